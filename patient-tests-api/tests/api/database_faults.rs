//! A database that throttles, fails over, loses responses or dies.

use mongodb::bson::{Document, doc};
use serde_json::json;
use stand_ins::mongo::{self, Mongod, MongodOptions, Proxy, fail_commands};

use crate::every_function::{Stocked, assert_discloses_nothing, assert_unavailable};
use crate::helpers::{PatientTestsApi, patient, patient_with};

/// Cosmos DB's error for a write that exceeds the rest of this second's request units.
fn write_throttled(retry_after_ms: u32) -> Document {
    doc! { "ok": 1, "n": 0, "writeErrors": [
        { "index": 0, "code": 16500, "errmsg": message(retry_after_ms) }
    ] }
}

/// The same for a read.
fn read_throttled(retry_after_ms: u32) -> Document {
    doc! { "ok": 0, "code": 16500, "errmsg": message(retry_after_ms) }
}

fn message(retry_after_ms: u32) -> String {
    format!("Error=16500, RetryAfterMs={retry_after_ms}, Details='Request rate is large'")
}

async fn behind_proxy() -> (Proxy, Stocked) {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let api = PatientTestsApi::start_on(&proxy.connection_string(), &[]).await;
    (proxy, Stocked::fill(api).await)
}

#[tokio::test]
async fn operations_are_retried_after_throttling_and_failovers() {
    let server = mongo::for_tests().await;
    for (app_name, failure) in [
        ("throttled", doc! { "errorCode": 16500 }),
        ("stepped-down", doc! { "errorCode": 10107 }),
        ("interrupted", doc! { "errorCode": 11602 }),
        ("closed", doc! { "closeConnection": true }),
    ] {
        let connection_string = mongo::with_option(&server, "appName", app_name);
        let api = PatientTestsApi::start_on(&connection_string, &[]).await;
        let failing = async |command: &str| {
            let mut data = failure.clone();
            data.insert("failCommands", vec![command]);
            data.insert("mode", doc! { "times": 2 });
            fail_commands(&server, app_name, data).await
        };

        let fail_point = failing("insert").await;
        let created = api.call("POST", "patient").json(&patient()).expect(201).await;
        fail_point.clear().await;
        let logs = api.app.host.invocation_logs();
        assert_eq!(logs.len(), 2, "{app_name} {logs:#?}");
        assert!(logs[0].text.contains("operation=insert"), "{logs:#?}");
        assert!(logs[1].text.contains("trying again"), "{logs:#?}");
        let id = created.body["id"].as_str().unwrap();

        let fail_point = failing("update").await;
        let call = api.call("PUT", &format!("patient/{id}")).json(&patient_with("id", json!(id)));
        assert_eq!(call.expect(200).await.header("ETag"), Some("\"2\""));
        fail_point.clear().await;

        let fail_point = failing("find").await;
        assert_eq!(api.load_patient(id).await.header("ETag"), Some("\"2\""));
        fail_point.clear().await;
        assert_eq!(api.documents_stored().await, 1);
        assert_eq!(api.outcomes_since(0), ["intended", "intended", "succeeded"]);
    }
}

#[tokio::test]
async fn the_pause_is_the_one_that_the_database_requests() {
    let (proxy, Stocked { api, patient_id, .. }) = behind_proxy().await;
    proxy.reply_instead("insert", 2, write_throttled(34));
    proxy.reply_instead("find", 1, read_throttled(21));

    api.call("POST", "patient").json(&patient()).expect(201).await;
    assert_eq!(api.load_patient(&patient_id).await.status, 200);

    let logs = api.app.host.invocation_logs();
    let pauses: Vec<_> = logs
        .iter()
        .filter_map(|log| log.text.split_once("pause_ms=")?.1.split(' ').next())
        .collect();
    assert_eq!(pauses, ["34", "34", "21"], "{logs:#?}");
}

#[tokio::test]
async fn lasting_throttling_is_429_with_a_time_to_wait() {
    // A wait longer than the deadline, and short waits without end.
    for (retry_after_ms, retry_after) in [(60_000, "60"), (0, "1")] {
        let (proxy, stocked) = behind_proxy().await;
        let Stocked { api, patient_id, .. } = &stocked;
        let before = api.documents().await;
        let recorded = api.audit.records().len();
        proxy.reply_instead("insert", usize::MAX, write_throttled(retry_after_ms));
        proxy.reply_instead("find", usize::MAX, read_throttled(retry_after_ms));

        let create = api.call("POST", "patient").json(&patient());
        let load = api.call("GET", &format!("patient/{patient_id}"));
        for call in [create, load] {
            let throttled = call.expect(429).await;

            assert_eq!(throttled.problem(), "throttled");
            assert_eq!(throttled.header("Retry-After"), Some(retry_after));
            assert_discloses_nothing(&throttled);
        }

        assert_eq!(api.documents().await, before);
        let records = api.records_since(recorded);
        assert_eq!(api.outcomes_since(recorded), ["intended", "failed", "failed"]);
        assert_eq!(records[1].body["relatesTo"], records[0].id);
        assert_eq!(records[2].body["resource"].get("disclosed"), None);
    }
}

#[tokio::test]
async fn a_write_whose_reply_was_lost_happens_once() {
    let (proxy, Stocked { api, patient_id, .. }) = behind_proxy().await;
    let recorded = api.audit.records().len();

    proxy.lose_next_reply_to("insert");
    let call = api.call("POST", "patient").header("Idempotency-Key", "k-1");
    let created = call.json(&patient()).expect(201).await;
    assert_eq!(created.header("Idempotency-Replayed"), None);
    assert_eq!(created.header("ETag"), Some("\"1\""));

    proxy.lose_next_reply_to("insert");
    let call = api.call("POST", "patient").json(&patient());
    assert_eq!(call.expect(201).await.header("Idempotency-Replayed"), None);
    assert_eq!(api.patients().count_documents(doc! {}).await.unwrap(), 3);

    proxy.lose_next_reply_to("update");
    let call = api.call("PUT", &format!("patient/{patient_id}"));
    let call = call.header("If-Match", "\"1\"").json(&patient_with("id", json!(patient_id)));
    assert_eq!(call.expect(200).await.header("ETag"), Some("\"2\""));

    proxy.lose_next_reply_to("update");
    let call = api.call("DELETE", &format!("patient/{patient_id}"));
    call.header("If-Match", "\"2\"").expect(204).await;

    assert!(proxy.has_lost_all_replies());
    let document = api.patients().find_one(doc! { "_id": &patient_id }).await.unwrap().unwrap();
    assert_eq!(document.get_i64("_version").unwrap(), 3);
    assert_eq!(api.outcomes_since(recorded), ["intended"; 4]);
}

#[tokio::test]
async fn a_database_that_refuses_is_unavailable_at_once() {
    let (proxy, stocked) = behind_proxy().await;
    let Stocked { api, .. } = &stocked;
    let before = api.documents().await;
    let recorded = api.audit.records().len();
    let refusal = doc! { "ok": 0, "code": 13, "errmsg": "not authorized on db.internal" };
    for command in ["insert", "find", "update"] {
        proxy.reply_instead(command, usize::MAX, refusal.clone());
    }

    let calls = stocked.calls();
    let count = calls.len();
    for call in calls {
        let refused = call.send().await;

        assert_unavailable(&refused, "The database");
        assert!(!refused.text.contains("db.internal"), "{refused:#?}");
    }

    assert_eq!(api.documents().await, before);
    let outcomes = api.outcomes_since(recorded);
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "failed").count(), count);
    let logs = api.app.host.invocation_logs();
    assert!(logs.iter().any(|log| log.text.contains("database error 13")), "{logs:#?}");
    assert!(logs.iter().all(|log| !log.text.contains("db.internal")), "{logs:#?}");
}

#[tokio::test]
async fn a_document_that_cannot_be_read_is_our_defect_and_stays_unseen() {
    let Stocked { api, patient_id, .. } = Stocked::start().await;
    let unreadable = doc! { "$set": { "firstName": 7 } };
    api.patients().update_one(doc! { "_id": &patient_id }, unreadable).await.unwrap();

    let refused = api.call("GET", &format!("patient/{patient_id}")).expect(500).await;

    assert_eq!(refused.problem(), "internal");
    assert_discloses_nothing(&refused);
    assert_eq!(api.outcomes_since(2), ["failed"]);
    let logs = api.app.host.invocation_logs();
    assert!(logs.iter().any(|log| log.text.contains("a document could not be read")), "{logs:#?}");
}

#[tokio::test]
async fn an_app_that_starts_without_its_database_responds_and_recovers() {
    let mut mongod = Mongod::start(MongodOptions::default()).await.unwrap();
    mongod.kill();
    let api = PatientTestsApi::start_on(&mongod.connection_string(), &[]).await;
    api.call("GET", "patient/42").expect(404).await;
    let created = tokio::spawn(api.call("POST", "patient").json(&patient()).send());

    mongod.restart().await.unwrap();

    let created = created.await.unwrap();
    assert_eq!(created.status, 201, "{created:#?}");
    let loaded = api.load_patient(created.body["id"].as_str().unwrap()).await;
    assert_eq!(loaded.body, created.body);
}
