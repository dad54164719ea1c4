//! Failures in policies.

use serde_json::{Value, json};
use stand_ins::api_management::PolicyFiles;
use stand_ins::key_vault::Fault;
use tokio::net::TcpListener;

use crate::backend::forwarded;
use crate::stack::{Stack, problem};

/// The deployed policies with a change in one file.
fn with(file: &str, found: &str, replaced: &str) -> PolicyFiles {
    let deployed = PolicyFiles::deployed();
    let (_, text) = deployed.iter().find(|(name, _)| *name == file).unwrap();
    assert!(text.contains(found), "{file} has no {found}");
    let changed = text.replacen(found, replaced, 1);
    deployed.clone().with(file, &changed)
}

#[tokio::test]
async fn a_host_that_times_out_is_unavailable() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let policies = with("patient_api", "timeout=\"30\"", "timeout=\"1\"");
    let stack = Stack::with(silent.local_addr().unwrap(), |options| options.policies = policies);

    let response = stack.await.call("GET", "/patient/1").send().await.unwrap();

    assert_eq!(response.headers()["retry-after"], "5");
    let (status, kind, _) = problem(response).await;
    assert_eq!((status, kind.as_str()), (503, "unavailable"));
}

#[tokio::test]
async fn a_vault_that_times_out_is_unavailable() {
    let policies = with("host_key", "timeout=\"10\"", "timeout=\"1\"");
    let stack = Stack::echoing(|options| options.policies = policies).await;
    stack.vault.fail(Some(Fault::Hang));

    let response = stack.call("GET", "/patient/1").send().await.unwrap();

    assert_eq!(problem(response).await.0, 503);
}

#[tokio::test]
async fn an_error_of_send_request_fails_unless_ignored() {
    let policies = with("host_key", "ignore-error=\"true\"", "ignore-error=\"false\"");
    let stack = Stack::echoing(|options| options.policies = policies).await;
    stack.vault.fail(Some(Fault::Drop));

    let response = stack.call("GET", "/patient/1").send().await.unwrap();

    let (status, kind, _) = problem(response).await;
    assert_eq!((status, kind.as_str()), (500, "internal"));
}

#[tokio::test]
async fn an_unbuffered_body_keeps_its_framing() {
    let policies = with("patient_api", "buffer-request-body=\"true\"", "");
    let stack = Stack::echoing(|options| options.policies = policies).await;
    let chunk =
        Ok::<_, std::convert::Infallible>(hyper::body::Frame::data(bytes::Bytes::from("{}")));
    let chunks = http_body_util::StreamBody::new(futures_util::stream::iter([chunk]));

    let chunked = stack.call("POST", "/patient").body(reqwest::Body::wrap(chunks));
    let seen = forwarded(chunked).await;
    assert_eq!(seen["headers"]["transfer-encoding"], json!(["chunked"]));
    assert_eq!(seen["headers"].get("content-length"), None);
    let seen = forwarded(stack.call("POST", "/patient").body("{}")).await;
    assert_eq!(seen["headers"]["content-length"], json!(["2"]));
}

#[tokio::test]
async fn a_failure_in_on_error_gets_the_default_response() {
    let header = r#"<fragment><set-header name="X-Broken" exists-action="override"><value>@(((Jwt)context.Variables["token"]).Subject)</value></set-header>"#;
    let policies = with("problem", "<fragment>", header);
    let stack = Stack::echoing(|options| options.policies = policies).await;

    let response = stack.bare("GET", "/patient/1").send().await.unwrap();

    assert_eq!(response.status(), 500);
    assert_eq!(response.headers()["content-type"], "application/json");
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body, json!({ "statusCode": 500, "message": "Internal server error" }));
}
