//! What the host is told about the functions.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::helpers::AuditApi;

/// Function, methods and route, in the order in which the host tries them.
const TABLE: [(&str, &[&str], &str); 2] =
    [("CreateAuditRecord", &["post"], "auditrecord"), ("Health", &["get", "head"], "health")];

#[test]
fn the_folders_are_those_of_the_table_and_need_a_key() {
    let expected: BTreeMap<_, _> = TABLE
        .iter()
        .map(|(name, methods, route)| {
            let function = json!({
                "bindings": [
                    {
                        "type": "httpTrigger", "direction": "in", "name": "req",
                        "authLevel": "function", "methods": methods, "route": route
                    },
                    {"type": "http", "direction": "out", "name": "res"}
                ]
            });
            ((*name).to_owned(), function)
        })
        .collect();

    assert_eq!(functions(), expected);
}

#[tokio::test]
async fn every_function_answers_and_none_without_a_key() {
    let api = AuditApi::start().await;
    for (name, methods, route) in TABLE {
        for method in methods {
            let method = method.to_uppercase();

            let answer = api.app.call(&method, route).send().await;
            let expected = if name == "Health" { 200 } else { 400 };
            assert_eq!(answer.status, expected, "{name}: {answer:#?}");
            assert_ne!(answer.body["detail"], "There is no such function.", "{name}");

            let url = format!("{}/api/{route}", api.app.host.url());
            let keyless = stand_ins::http_client().request(method.parse().unwrap(), url);
            assert_eq!(keyless.send().await.unwrap().status(), 401, "{name}");
        }
    }
}

/// What is in `functions/`, by name.
fn functions() -> BTreeMap<String, Value> {
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
