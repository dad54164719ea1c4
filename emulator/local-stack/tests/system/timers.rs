//! Timer functions in the local stack.

use std::fs;

use local_stack::run_timer;
use serde_json::{Value, json};

use crate::stack::{Stack, package_apps};

#[tokio::test]
async fn a_timer_function_can_be_run_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let (functions, state) = (folder.path().join("functions"), folder.path().join("server"));
    package_apps(&functions);
    // No app has a timer function yet. The Audit API refuses an unknown function in a valid
    // envelope, so this run succeeds.
    let timer = functions.join("audit-api/Tick");
    fs::create_dir(&timer).unwrap();
    let trigger = json!({ "type": "timerTrigger", "name": "timer", "schedule": "0 0 0 1 1 *" });
    let function = json!({ "bindings": [trigger] });
    fs::write(timer.join("function.json"), function.to_string()).unwrap();
    let _stack = Stack::start_packaged(&functions, folder.path(), None).await;

    assert_eq!(run_timer(&state, "Tick").await, Ok(()));

    let unknown = run_timer(&state, "CreatePatient").await.unwrap_err();
    assert_eq!(unknown, "no function of this name has a timer trigger");
    let kept = fs::read(state.join("timers/audit-api/Tick.json")).unwrap();
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    assert!(kept["Next"].as_str().unwrap().ends_with("-01-01T00:00:00+00:00"), "{kept}");
}
