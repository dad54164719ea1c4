//! The `function.json` files that the host reads.

use std::path::Path;

use stand_ins::function_files::{self, FunctionFiles, Row, has_http_trigger};
use uuid::Uuid;

use crate::helpers::AuditApi;

#[test]
fn the_folders_are_those_of_the_table() {
    assert_eq!(folders(), printed(), "what `<app> functions` prints is what the folders must have");
}

#[test]
fn every_function_needs_a_key() {
    let files = printed();
    for (name, function) in files.iter().filter(|(_, file)| has_http_trigger(file)) {
        assert_eq!(function["bindings"][0]["authLevel"], "function", "{name}");
    }
}

#[tokio::test]
async fn every_function_responds_and_none_without_a_key() {
    let api = AuditApi::start().await;
    for (name, methods, route) in table() {
        let route = route.replace("{auditRecordId}", &Uuid::new_v4().to_string());
        for method in &methods {
            let method = method.to_uppercase();

            let response = api.app.call(&method, &route).send().await;
            let expected = match name.as_str() {
                "Health" => 200,
                "LoadAuditRecord" => 404,
                _ => 400,
            };
            assert_eq!(response.status, expected, "{name}: {response:#?}");
            assert_ne!(response.body["detail"], "There is no such function.", "{name}");

            let url = format!("{}/api/{route}", api.app.host.url());
            let keyless = stand_ins::http_client().request(method.parse().unwrap(), url);
            assert_eq!(keyless.send().await.unwrap().status(), 401, "{name}");
        }
    }
}

fn table() -> Vec<Row> {
    function_files::table(&printed())
}

fn printed() -> FunctionFiles {
    function_files::printed_by(env!("CARGO_BIN_EXE_audit-api"))
}

fn folders() -> FunctionFiles {
    function_files::in_folders(Path::new(env!("CARGO_MANIFEST_DIR")))
}
