//! Start, readiness and stop of the handler.

use std::net::TcpStream;
use std::process::Command;

use serde_json::{Value, json};
use stand_ins::functions_host::{Host, HostOptions, LogLevel};

use crate::app::{App, Plan, eventually, example, invocation, sent};

#[tokio::test]
async fn the_handler_gets_its_port_its_settings_and_the_app_root() {
    let app = Plan::new().function("Echo", "echo").setting("COLOUR", "green").start().await;
    invocation(app.get("/api/echo")).await;

    // Its files are in the app's root, which must be its working directory.
    let variables: Value = serde_json::from_str(&app.noted("environment")[0]).unwrap();
    let port = app.host.handler_url().rsplit(':').next().unwrap().to_owned();
    assert_eq!(variables["FUNCTIONS_CUSTOMHANDLER_PORT"], port.as_str());
    assert_eq!(variables["FUNCTIONS_HTTPWORKER_PORT"], port.as_str());
    assert_eq!(variables["FUNCTIONS_APP_ROOT_PATH"], app.folder.path().to_str().unwrap());
    assert_eq!(variables["COLOUR"], "green");
    assert!(variables["PATH"].is_string(), "the host's own variables are inherited");
    let id = variables["FUNCTIONS_CUSTOMHANDLER_WORKER_ID"].as_str().unwrap();
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().to_string(), id);
    assert_eq!(variables["FUNCTIONS_HTTPWORKER_ID"], id);
}

#[tokio::test]
async fn an_argument_with_a_space_becomes_two() {
    let app = Plan::new().function("Echo", "echo").at_start("garbage more").start().await;

    // The handler would not recognise "garbage more".
    invocation(app.get("/api/echo")).await;
}

#[tokio::test]
async fn unsupported_settings_fail_the_start() {
    let description = "/customHandler/description";
    for (parent, name, value) in [
        ("/customHandler", "enableForwardingHttpRequest", json!(true)),
        ("/customHandler", "enableProxyingHttpRequest", json!(true)),
        (description, "workerArguments", json!(["x"])),
        (description, "useStdErrorStreamForErrorsOnly", json!(false)),
        (description, "arguments", json!(["%PORT%"])),
    ] {
        let error = Plan::new().host_json(parent, name, value).refused().await;
        assert!(error.contains("host.json: "), "{name}: {error}");
    }
}

#[tokio::test]
async fn an_early_request_waits_for_the_handler() {
    let app = Plan::new().function("Echo", "echo").at_start("when:wanted").start().await;
    let early = tokio::spawn(sent(app.get("/api/echo")));
    app.noted_lines("starts", 1).await;
    assert!(!early.is_finished());

    app.release("wanted");

    assert_eq!(early.await.unwrap().status, 200);
    assert_eq!(app.noted("starts").len(), 1);
}

#[tokio::test]
async fn a_handler_that_responds_to_the_probe_with_garbage_is_ready() {
    let app = Plan::new().function("Echo", "echo").at_start("garbage").start().await;

    assert_eq!(sent(app.get("/api/echo")).await.status, 200);
}

#[tokio::test]
async fn a_handler_that_accepts_and_never_responds_is_never_ready() {
    let app = Plan::new()
        .function("Echo", "echo")
        .at_start("silent")
        .host_json("", "functionTimeout", json!("00:00:00.5"))
        .start()
        .await;
    app.noted_lines("starts", 1).await;

    sent(app.get("/api/echo")).await.assert_is_empty_500(&"no invocation");

    assert_eq!(app.noted("requests").len(), 0);
}

#[tokio::test]
async fn a_handler_that_never_starts_stops_the_host() {
    let app = Plan::new()
        .function("Echo", "echo")
        .at_start("silent")
        .host_json("/customHandler", "initializationTimeout", json!("00:00:00.1"))
        .start()
        .await;

    sent(app.get("/api/echo")).await.assert_is_empty_500(&"no invocation");

    app.host.stopped_itself().await;
    app.is_gone().await;
}

#[tokio::test]
async fn a_handler_that_is_not_ready_in_time_is_started_three_times() {
    let app = Plan::new()
        .function("Echo", "echo")
        .at_start("when:never")
        .host_json("/customHandler", "initializationTimeout", json!("00:00:00.6"))
        .start()
        .await;

    app.host.stopped_itself().await;

    assert_eq!(app.noted("starts").len(), 3);
}

#[tokio::test]
async fn a_handler_that_exits_with_0_before_it_is_ready_is_started_three_times() {
    let app = Plan::new()
        .function("Echo", "echo")
        .at_start("exit")
        .host_json("/customHandler", "initializationTimeout", json!("00:00:00.3"))
        .start()
        .await;

    sent(app.get("/api/echo")).await.assert_is_empty_500(&"no invocation");

    app.host.stopped_itself().await;
    assert_eq!(app.noted("starts").len(), 3);
    app.is_gone().await;
}

#[tokio::test]
async fn a_stopped_host_kills_the_handler_without_sigterm() {
    let app = App::echo().await;
    invocation(app.get("/api/echo")).await;
    let address = app.host.handler_url().trim_start_matches("http://").to_owned();

    app.host.stop().await;

    assert!(TcpStream::connect(&address).is_err(), "it is gone by now");
    assert!(!app.folder.path().join("terminated").exists());
}

#[tokio::test]
async fn a_handler_does_not_outlive_a_killed_host() {
    let folder = Plan::new().function("Echo", "echo").laid_out();
    let mut host = Command::new(example("host_alone")).arg(folder.path()).spawn().unwrap();
    let port = || std::fs::read_to_string(folder.path().join("starts")).unwrap_or_default();
    let is_there = || TcpStream::connect(format!("127.0.0.1:{}", port().trim())).is_ok();
    eventually("the handler runs", async || is_there()).await;

    host.kill().unwrap();
    host.wait().unwrap();

    eventually("the handler has ended", async || !is_there()).await;
    assert!(!folder.path().join("terminated").exists(), "it had no say in it");
}

#[tokio::test]
async fn a_stopped_host_releases_its_port() {
    let port = stand_ins::process::port::free().ok();
    let mut plan = Plan::new().function("Echo", "echo");
    plan.options.port = port;
    let app = plan.start().await;
    let app_root = app.folder.path().to_owned();
    app.host.stop().await;

    let next = Host::start(HostOptions { port, ..HostOptions::new(app_root) }).await.unwrap();

    let response = sent(app.client.get(format!("{}/api/echo", next.url()))).await;
    assert_eq!(response.status, 200);
}

#[tokio::test]
async fn printed_lines_have_the_level_of_their_stream() {
    let app = App::echo().await;
    for (stream, line) in
        [("print", "a warning"), ("complain", "so what"), ("complain", "I WARN you")]
    {
        sent(app.scripted(&json!({ stream: line }))).await;
    }

    for (level, text) in [
        (LogLevel::Information, "a warning"),
        (LogLevel::Error, "so what"),
        (LogLevel::Warning, "I WARN you"),
    ] {
        let is_there =
            || app.host.console().iter().any(|line| line.level == level && line.text == text);
        eventually(&format!("{text} is logged at {level:?}"), async || is_there()).await;
    }
}
