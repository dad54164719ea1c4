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
    let ready: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let connection_string =
        stack.local.mongod().expect("it has its own").lock().await.connection_string();
    let [patient_host, audit_host] = stack.local.host_urls();
    let expected = json!({
        "gateway": stack.local.url(),
        "patientHost": patient_host,
        "auditHost": audit_host,
        "subscriptionKey": stack.local.subscription_key(),
        "subscriptionKeys": {
            "developer": stack.local.subscription_key(),
            "laboratory": stack.local.key_of("laboratory"),
            "monitoring": stack.local.key_of("monitoring"),
            "patient-records": stack.local.key_of("patient-records"),
            "privacy-office": stack.local.key_of("privacy-office"),
        },
        "database": {
            "connectionString": connection_string,
            "patientTests": "patient-tests",
            "audit": "audit",
        },
        "processId": std::process::id(),
    });
    assert_eq!(ready, expected);

    stack.local.stop().await;
    assert!(!file.exists());
}
