//! The file `ready.json`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::stack::Stack;

#[tokio::test]
async fn ready_json_describes_the_stack_and_is_removed_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server/ready.json");
    fs::create_dir(folder.path().join("server")).unwrap();
    fs::write(&file, "left behind by a stack that was killed").unwrap();

    let stack = Stack::start_in(folder.path()).await;

    let mode = file.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut ready: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let subscriptions = ready["subscriptions"].take();
    let connection_string =
        stack.local.mongod().expect("it has its own").lock().await.connection_string();
    let [patient_host, audit_host] = stack.local.host_urls();
    let expected = json!({
        "gateway": stack.local.url(),
        "patientHost": patient_host,
        "auditHost": audit_host,
        "subscriptionKey": stack.local.subscription_key(),
        "subscriptions": null,
        "database": {
            "connectionString": connection_string,
            "patientTests": "patient-tests",
            "audit": "audit",
        },
        "processId": std::process::id(),
    });
    assert_eq!(ready, expected);
    let monitoring = subscriptions.as_array().unwrap().iter().find(|one| one["id"] == "monitoring");
    assert_eq!(monitoring.unwrap()["product"], "monitoring");
    assert_eq!(monitoring.unwrap()["key"].as_str().unwrap().len(), 32);

    stack.local.stop().await;
    assert!(!file.exists());
}
