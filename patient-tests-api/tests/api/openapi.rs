//! The committed `OpenAPI` document matches the code and has every function.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use stand_ins::executable::printed;
use stand_ins::openapi;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

fn committed() -> String {
    fs::read_to_string(Path::new(FOLDER).join("openapi.json")).unwrap()
}

#[test]
fn the_committed_document_is_what_the_executable_prints() {
    assert!(
        printed(env!("CARGO_BIN_EXE_patient-tests-api"), "openapi") == committed(),
        "regenerate it: cargo run -p patient-tests-api -- openapi > patient-tests-api/openapi.json"
    );
}

#[test]
fn the_document_has_every_function_and_no_other() {
    let document = serde_json::from_str(&committed()).unwrap();

    assert_eq!(openapi::described(&document), openapi::of_functions(Path::new(FOLDER)));
}

#[test]
fn schemas_shared_by_requests_and_responses_are_described_once() {
    let document: Value = serde_json::from_str(&committed()).unwrap();
    let schemas = &document["components"]["schemas"];
    let gender = json!({"$ref": "#/components/schemas/Gender"});
    let observation = json!({"$ref": "#/components/schemas/Observation"});

    for name in ["NewPatient", "PatientReplacement", "Patient"] {
        assert_eq!(schemas[name]["properties"]["gender"], gender, "{name}");
    }
    for name in ["NewTest", "TestReplacement", "Test"] {
        assert_eq!(schemas[name]["properties"]["observations"]["items"], observation, "{name}");
    }
    // A keyword next to a `$ref` has no effect.
    let criterion = json!({"allOf": [gender], "nullable": true});
    assert_eq!(schemas["PatientSearch"]["properties"]["gender"], criterion);
    assert_eq!(schemas["Gender"]["enum"], json!(["male", "female", "other", "unknown"]));
}

#[test]
fn request_schemas_are_closed_and_response_schemas_are_open() {
    let document: Value = serde_json::from_str(&committed()).unwrap();
    let schemas = &document["components"]["schemas"];

    for name in ["NewPatient", "PatientReplacement", "PatientSearch", "NewTest", "TestReplacement"]
    {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
    }
    for name in ["Patient", "Test", "Observation", "Problem"] {
        assert!(!schemas[name].to_string().contains("additionalProperties"), "{name}");
    }
}

#[test]
fn every_operation_says_how_the_gateway_refuses_it() {
    let document: Value = serde_json::from_str(&committed()).unwrap();
    let operations: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|methods| methods.as_object().unwrap())
        .collect();

    for (method, operation) in operations {
        for status in ["401", "403", "404", "413"] {
            let content = &operation["responses"][status]["content"];
            if method == "head" {
                assert!(content.is_null(), "{operation}");
            } else {
                let problem = &content["application/problem+json"]["schema"]["$ref"];
                assert_eq!(problem, "#/components/schemas/Problem", "{operation}");
            }
        }
    }
}
