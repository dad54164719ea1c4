//! The stand-in for the Audit API records and fails on demand.

use std::time::Duration;

use reqwest::{Error, Response, StatusCode};
use serde_json::{Value, json};
use stand_ins::audit_api::{AuditApi, Behaviour};
use stand_ins::eventually;
use stand_ins::http_client;

fn body() -> Value {
    json!({ "sourceSystemName": "PatientTestsApi", "resource": { "type": "patient" } })
}

async fn post(audit: &AuditApi, idempotency_key: &str) -> Result<Response, Error> {
    http_client()
        .post(audit.url())
        .header("x-functions-key", audit.key())
        .header("idempotency-key", idempotency_key)
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .body(body().to_string())
        .send()
        .await
}

async fn status(audit: &AuditApi, idempotency_key: &str) -> StatusCode {
    let response = post(audit, idempotency_key).await;
    response.expect("a response").status()
}

#[tokio::test]
async fn a_record_is_kept_with_its_headers() {
    let audit = AuditApi::start().await;

    let response = post(&audit, "a").await.expect("a response");

    assert_eq!(response.status(), StatusCode::CREATED);
    let text = response.text().await.expect("a body");
    let response: Value = serde_json::from_str(&text).expect("JSON");
    let records = audit.records();
    let [record] = records.as_slice() else {
        panic!("one record, not {records:?}");
    };
    assert_eq!(response["id"], record.id.as_str());
    assert_eq!(response["sourceSystemName"], "PatientTestsApi");
    let created = response["createdDate"].as_str().expect("a date");
    assert_eq!((created.len(), &created[10..11], &created[23..]), (24, "T", "Z"));
    assert_eq!(record.body, body());
    assert_eq!(record.idempotency_key.as_deref(), Some("a"));
    assert_eq!(
        record.traceparent.as_deref(),
        Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    );
}

#[tokio::test]
async fn a_repeated_idempotency_key_replays_the_response_and_records_once() {
    let audit = AuditApi::start().await;

    let first = post(&audit, "a").await.expect("a response");
    let second = post(&audit, "a").await.expect("a response");

    assert_eq!(second.headers()["idempotency-replayed"], "true");
    let first = first.text().await.expect("a body");
    assert_eq!(first, second.text().await.expect("a body"));
    assert_eq!((audit.records().len(), audit.calls()), (1, 2));
}

#[tokio::test]
async fn a_wrong_key_or_route_is_refused() {
    let audit = AuditApi::start().await;
    let client = http_client();

    for (request, expected) in [
        (client.post(audit.url()), StatusCode::UNAUTHORIZED),
        (client.post(audit.url()).header("x-functions-key", "x"), StatusCode::UNAUTHORIZED),
        (client.get(audit.url()), StatusCode::NOT_FOUND),
        (client.post(format!("{}s", audit.url())), StatusCode::NOT_FOUND),
    ] {
        let response = request.send().await.expect("a response");
        assert_eq!(response.status(), expected);
    }

    assert_eq!((audit.records().len(), audit.calls()), (0, 4));
}

#[tokio::test]
async fn health_requires_a_key_and_records_nothing() {
    let audit = AuditApi::start().await;
    let url = audit.url().replace("auditrecord", "health");
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let ask = async |key: &str| {
        let call = http_client().get(&url).header("x-functions-key", key);
        let response = call.header("traceparent", traceparent).send().await.expect("a response");
        (response.status().as_u16(), response.text().await.expect("a body"))
    };

    assert_eq!(ask("x").await, (401, String::new()));
    assert_eq!(ask(&audit.key()).await, (200, "{}".to_owned()));
    audit.behave(Behaviour::StatusTimes(503, 1));
    assert_eq!(ask(&audit.key()).await.0, 503);
    audit.behave(Behaviour::Garbage);
    assert_eq!(ask(&audit.key()).await.0, 201);

    let calls = audit.health_calls();
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|call| call.traceparent.as_deref() == Some(traceparent)));
    assert_eq!((audit.records().len(), audit.calls()), (0, 4));
}

#[tokio::test]
async fn a_status_is_sent_without_recording() {
    let audit = AuditApi::start().await;

    audit.behave(Behaviour::Status(429));
    assert_eq!(status(&audit, "a").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(status(&audit, "a").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(audit.records().len(), 0);

    audit.behave(Behaviour::StatusTimes(500, 1));
    assert_eq!(status(&audit, "a").await, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(status(&audit, "a").await, StatusCode::CREATED);
    assert_eq!(audit.records().len(), 1);
}

#[tokio::test]
async fn a_record_is_kept_when_its_response_is_dropped() {
    let audit = AuditApi::start().await;
    audit.behave(Behaviour::RecordThenDrop(1));

    post(&audit, "a").await.expect_err("no response");
    assert_eq!(audit.records().len(), 1);

    assert_eq!(status(&audit, "a").await, StatusCode::CREATED);
    assert_eq!((audit.records().len(), audit.calls()), (1, 2));
}

#[tokio::test]
async fn a_hanging_audit_api_never_responds() {
    let audit = AuditApi::start().await;
    audit.behave(Behaviour::Hang);

    let limit = Duration::from_millis(200);
    tokio::time::timeout(limit, post(&audit, "a")).await.expect_err("no response");

    assert_eq!((audit.records().len(), audit.calls()), (0, 1));
}

#[tokio::test]
async fn garbage_is_a_201_without_a_record() {
    let audit = AuditApi::start().await;
    audit.behave(Behaviour::Garbage);

    let response = post(&audit, "a").await.expect("a response");

    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.text().await.expect("a body"), r#"["not","a","record"]"#);
    assert_eq!(audit.records().len(), 0);
}

#[tokio::test]
async fn after_refusing_the_same_port_is_open_again() {
    let audit = AuditApi::start().await;

    audit.behave(Behaviour::Refuse);
    post(&audit, "a").await.expect_err("refused");
    audit.behave(Behaviour::Record);

    eventually("the port is open again", async || post(&audit, "a").await.is_ok()).await;
    assert_eq!(status(&audit, "a").await, StatusCode::CREATED);
    assert_eq!(audit.records().len(), 1);
}

#[tokio::test]
async fn a_held_call_follows_the_next_behaviour() {
    let audit = AuditApi::start().await;
    audit.behave(Behaviour::Hold);
    let held = post(&audit, "a");
    let release = async {
        eventually("the call has arrived", async || audit.calls() > 0).await;
        assert!(audit.records().is_empty());
        audit.behave(Behaviour::StatusTimes(503, 1));
    };

    let (response, ()) = tokio::join!(held, release);

    assert_eq!(response.expect("a response").status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status(&audit, "a").await, StatusCode::CREATED);
}
