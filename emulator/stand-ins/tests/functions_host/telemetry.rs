//! Traces and logs.

use serde_json::json;

use crate::app::{App, Plan, invocation, sent};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn with_telemetry_the_host_is_a_part_of_the_trace() {
    let app = App::echo().await;
    let request = app.get("/api/echo").header("traceparent", TRACEPARENT);

    let invocation = invocation(request.header("tracestate", "a=b")).await;

    let sent: Vec<_> = invocation.header("traceparent").unwrap().split('-').collect();
    assert_eq!(sent.len(), 4, "{sent:?}");
    assert_eq!((sent[0], sent[1]), ("00", TRACE_ID));
    assert_eq!(sent[2].len(), 16);
    assert_ne!(sent[2], "00f067aa0ba902b7", "the host has a span of its own");
    assert_eq!(invocation.header("tracestate"), Some("a=b"));
    assert_eq!(invocation.request()["Headers"]["traceparent"], json!([TRACEPARENT]));
}

#[tokio::test]
async fn with_telemetry_a_call_without_a_trace_starts_one() {
    let app = App::echo().await;

    let invocation = invocation(app.get("/api/echo")).await;

    assert_eq!(invocation.header("traceparent").unwrap().len(), TRACEPARENT.len());
    assert_eq!(invocation.request()["Headers"].get("traceparent"), None);
}

#[tokio::test]
async fn without_telemetry_only_the_payload_has_the_trace() {
    let mut plan = Plan::new().function("Echo", "echo");
    plan.options.telemetry = false;
    let app = plan.start().await;

    let invocation = invocation(app.get("/api/echo").header("traceparent", TRACEPARENT)).await;

    assert_eq!(invocation.header("traceparent"), None);
    assert_eq!(invocation.request()["Headers"]["traceparent"], json!([TRACEPARENT]));
}

#[tokio::test]
async fn logs_are_kept_even_with_a_bad_output() {
    let app = App::echo().await;

    app.enveloped(&json!({ "Logs": ["a", 1], "Outputs": { "res": {} } })).await;
    app.enveloped(&json!({ "Logs": ["b"], "Outputs": { "res": 7 } })).await;
    let malformed = app.enveloped(&json!({ "Logs": ["c", {}], "Outputs": { "res": {} } })).await;
    let lost = json!({ "status": 500, "body": "{\"Logs\":[\"d\"]}" });
    sent(app.scripted(&json!({ "response": lost }))).await;

    malformed.assert_is_empty_500(&"an object among the logs");
    let logs = app.host.invocation_logs();
    assert_eq!(logs.iter().map(|log| log.text.as_str()).collect::<Vec<_>>(), ["a", "1", "b"]);
    assert!(logs.iter().all(|log| log.function == "Echo"));
    assert_eq!(logs[0].invocation_id, logs[1].invocation_id);
    assert_ne!(logs[1].invocation_id, logs[2].invocation_id);
}
