//! The committed `OpenAPI` document matches the code and has every function.

use std::fs;
use std::path::Path;

use stand_ins::executable::printed;
use stand_ins::openapi;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

fn committed() -> String {
    fs::read_to_string(Path::new(FOLDER).join("openapi.json")).unwrap()
}

#[test]
fn the_committed_document_is_what_the_executable_prints() {
    assert!(
        printed(env!("CARGO_BIN_EXE_audit-api"), "openapi") == committed(),
        "regenerate it: cargo run -p audit-api -- openapi > audit-api/openapi.json"
    );
}

#[test]
fn the_document_has_every_function_and_no_other() {
    let document = serde_json::from_str(&committed()).unwrap();

    assert_eq!(openapi::described(&document), openapi::of_functions(Path::new(FOLDER)));
}
