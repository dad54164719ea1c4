//! What the host is told about the functions.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::helpers::AuditApi;

#[tokio::test]
async fn the_one_function_is_there_and_needs_a_key() {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("functions");
    let names: Vec<_> = fs::read_dir(&functions)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let text = fs::read_to_string(functions.join("CreateAuditRecord/function.json")).unwrap();
    let function: Value = serde_json::from_str(&text).unwrap();

    assert_eq!(names, ["CreateAuditRecord"]);
    assert_eq!(
        function,
        json!({
            "bindings": [
                {
                    "type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "function",
                    "methods": ["post"], "route": "auditrecord"
                },
                {"type": "http", "direction": "out", "name": "res"}
            ]
        })
    );
    let api = AuditApi::start().await;
    let keyless = emulator::http_client().post(format!("{}/api/auditrecord", api.app.host.url()));
    assert_eq!(keyless.send().await.unwrap().status(), 401);
    let answer = api.app.call("POST", "auditrecord").expect(400).await;
    assert_ne!(answer.body["detail"], "There is no such function.");
}
