//! Timer functions in the local stack.

use local_stack::run_timer;
use serde_json::{Value, json};

use crate::stack::Stack;

#[tokio::test]
async fn the_reconciliation_can_be_run_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("server");
    let stack = Stack::start_in(folder.path()).await;

    assert_eq!(run_timer(&state, "ReconcileWrites").await, Ok(()));

    let unknown = run_timer(&state, "CreatePatient").await.unwrap_err();
    assert_eq!(unknown, "no function of this name has a timer trigger");
    let kept = std::fs::read(state.join("timers/patient-tests-api/ReconcileWrites.json")).unwrap();
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    assert!(kept["Next"].as_str().unwrap().ends_with(":00+00:00"), "{kept}");
    let report = stack.call(reqwest::Method::GET, "reconciliation").send().await.unwrap();
    let report: Value = serde_json::from_slice(&report.bytes().await.unwrap()).unwrap();
    assert_eq!(report["findings"], json!([]));
}
