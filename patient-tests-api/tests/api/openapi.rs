//! The committed `OpenAPI` document is that of the code, and has every function.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

fn committed() -> String {
    fs::read_to_string(Path::new(FOLDER).join("openapi.json")).unwrap()
}

#[test]
fn the_committed_document_is_what_the_executable_prints() {
    let executable = env!("CARGO_BIN_EXE_patient-tests-api");
    let printed = Command::new(executable).arg("openapi").env_clear().output().unwrap();

    assert!(
        String::from_utf8(printed.stdout).unwrap() == committed(),
        "regenerate it: cargo run -p patient-tests-api -- openapi > patient-tests-api/openapi.json"
    );
}

#[test]
fn the_document_has_every_function_and_no_other() {
    let document: Value = serde_json::from_str(&committed()).unwrap();
    let described: BTreeSet<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, operation)| {
                let name = operation["operationId"].as_str().unwrap();
                (name.to_owned(), method.clone(), path.clone())
            })
        })
        .collect();

    let functions = fs::read_dir(Path::new(FOLDER).join("functions")).unwrap();
    let there: BTreeSet<_> =
        functions.flat_map(|entry| operations_of(&entry.unwrap().path())).collect();

    assert_eq!(described, there);
}

/// A function whose last segment is optional is two operations.
fn operations_of(folder: &Path) -> Vec<(String, String, String)> {
    let text = fs::read_to_string(folder.join("function.json")).unwrap();
    let function: Value = serde_json::from_str(&text).unwrap();
    let trigger = &function["bindings"][0];
    let name = folder.file_name().unwrap().to_str().unwrap();
    let method = trigger["methods"][0].as_str().unwrap();
    let route = format!("/{}", trigger["route"].as_str().unwrap());
    let mut operations = vec![(name.to_owned(), method.to_owned(), route.replace("?}", "}"))];
    if route.ends_with("?}") {
        let (list, _) = route.rsplit_once('/').unwrap();
        operations.push((format!("{name}s"), method.to_owned(), list.to_owned()));
    }
    operations
}
