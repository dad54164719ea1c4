//! Handlers that end, and the calls that are under way.

use std::process::Command;

use serde_json::{Value, json};

use crate::app::{App, Plan, eventually, invocation, sent};

/// An app whose function timeout is short enough for a test.
async fn hurried() -> App {
    let plan = Plan::new().function("Echo", "echo");
    plan.host_json("", "functionTimeout", json!("00:00:02")).start().await
}

#[tokio::test]
async fn the_third_failure_stops_the_host() {
    let app = App::echo().await;
    for starts in 1..=3 {
        app.noted_lines("starts", starts).await;
        invocation(app.get("/api/echo")).await;

        sent(app.scripted(&json!({ "exit": 1 }))).await.assert_is_empty_500(&starts);
    }

    app.host.stopped_itself().await;

    let starts = app.noted("starts");
    assert_eq!(starts.len(), 3);
    assert!(starts.iter().all(|port| *port == starts[0]), "the port stays: {starts:?}");
    app.is_gone().await;
}

#[tokio::test]
async fn a_handler_that_exits_with_0_once_ready_is_not_restarted() {
    let app = App::echo().await;
    invocation(app.get("/api/echo")).await;
    sent(app.scripted(&json!({ "exit": 0 }))).await.assert_is_empty_500(&"exit");

    eventually("the handler has ended", async || app.host.handler_process_id().is_none()).await;

    for _ in 0..2 {
        sent(app.get("/api/echo")).await.assert_is_empty_500(&"nobody there");
    }
    assert_eq!(app.noted("starts").len(), 1);
}

#[tokio::test]
async fn exit_code_200_restarts_without_a_limit() {
    let app = App::echo().await;
    for starts in 1..=4 {
        app.noted_lines("starts", starts).await;
        sent(app.scripted(&json!({ "exit": 200 }))).await.assert_is_empty_500(&starts);
    }

    app.noted_lines("starts", 5).await;

    invocation(app.get("/api/echo")).await;
}

#[tokio::test]
async fn a_killed_handler_fails_its_call_and_the_next_waits_for_the_restart() {
    let app = App::echo().await;
    let under_way = tokio::spawn(sent(app.scripted(&json!({ "wait_for": "never" }))));
    app.noted_lines("requests", 1).await;
    let process_id = app.host.handler_process_id();

    Command::new("kill").args(["-9", &process_id.unwrap().to_string()]).status().unwrap();

    under_way.await.unwrap().assert_is_empty_500(&"killed");
    eventually("the handler has ended", async || app.host.handler_process_id() != process_id).await;
    invocation(app.get("/api/echo")).await;
    assert_eq!(app.noted("starts").len(), 2);
}

#[tokio::test]
async fn a_timed_out_call_ends_concurrent_calls() {
    let app = hurried().await;
    let endless = json!({ "wait_for": "never" });
    let first = tokio::spawn(sent(app.scripted(&endless)));
    app.noted_lines("requests", 1).await;
    let second = tokio::spawn(sent(app.scripted(&endless)));
    app.noted_lines("requests", 2).await;

    first.await.unwrap().assert_is_empty_500(&"first");
    second.await.unwrap().assert_is_empty_500(&"second");

    app.noted_lines("starts", 2).await;
    invocation(app.get("/api/echo")).await;
}

#[tokio::test]
async fn a_null_result_never_completes_the_invocation() {
    async fn times_out(response: Value) {
        let app = hurried().await;

        sent(app.scripted(&json!({ "response": response }))).await.assert_is_empty_500(&response);

        app.noted_lines("finished", 1).await;
        app.noted_lines("starts", 2).await;
    }

    tokio::join!(
        times_out(json!({ "status": 200 })),
        times_out(json!({ "status": 204, "content_type": "" })),
        times_out(json!({ "body": " null " })),
    );
}
