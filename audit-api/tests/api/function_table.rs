//! What the host is told about the functions.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::helpers::AuditApi;

#[test]
fn the_folders_are_those_of_the_table() {
    assert_eq!(folders(), printed(), "what `<app> functions` prints is what the folders must have");
}

#[test]
fn every_function_needs_a_key() {
    for (name, function) in printed() {
        assert_eq!(function["bindings"][0]["authLevel"], "function", "{name}");
    }
}

#[tokio::test]
async fn every_function_answers_and_none_without_a_key() {
    let api = AuditApi::start().await;
    for (name, methods, route) in table() {
        for method in &methods {
            let method = method.to_uppercase();

            let answer = api.app.call(&method, &route).send().await;
            let expected = if name == "Health" { 200 } else { 400 };
            assert_eq!(answer.status, expected, "{name}: {answer:#?}");
            assert_ne!(answer.body["detail"], "There is no such function.", "{name}");

            let url = format!("{}/api/{route}", api.app.host.url());
            let keyless = stand_ins::http_client().request(method.parse().unwrap(), url);
            assert_eq!(keyless.send().await.unwrap().status(), 401, "{name}");
        }
    }
}

/// Name, methods and route of each function, in the order in which the host tries them.
fn table() -> Vec<(String, Vec<String>, String)> {
    let row = |(name, function): (String, Value)| {
        let trigger = &function["bindings"][0];
        let methods = trigger["methods"].as_array().unwrap().iter();
        let methods = methods.map(|method| method.as_str().unwrap().to_owned()).collect();
        (name, methods, trigger["route"].as_str().unwrap().to_owned())
    };
    printed().into_iter().map(row).collect()
}

/// What the executable prints, by name.
fn printed() -> BTreeMap<String, Value> {
    let executable = env!("CARGO_BIN_EXE_audit-api");
    let printed = Command::new(executable).arg("functions").env_clear().output().unwrap();
    serde_json::from_slice(&printed.stdout).unwrap()
}

/// What is in `functions/`, by name.
fn folders() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("functions");
    fs::read_dir(folder)
        .unwrap()
        .map(|function| {
            let function = function.unwrap();
            let text = fs::read_to_string(function.path().join("function.json")).unwrap();
            (function.file_name().into_string().unwrap(), serde_json::from_str(&text).unwrap())
        })
        .collect()
}
