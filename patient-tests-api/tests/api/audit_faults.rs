//! No data is written or returned unless the audit register has confirmed the record.

use futures_util::future::join_all;
use serde_json::json;
use stand_ins::audit_api::Behaviour;

use crate::every_function::{Stocked, assert_unavailable};
use crate::helpers::{PatientTestsApi, eventually, patient, unknown_id};

#[tokio::test]
async fn a_register_that_does_not_confirm_stops_every_write_and_every_read() {
    let behaviours = [
        Behaviour::Refuse,
        Behaviour::Status(400),
        Behaviour::Status(401),
        Behaviour::Status(403),
        Behaviour::Status(404),
        Behaviour::Status(429),
        Behaviour::Status(500),
        // A success status, but not the one that confirms a record.
        Behaviour::Status(200),
        Behaviour::Garbage,
    ];

    join_all(behaviours.map(nothing_happens_when_the_register_does)).await;
}

async fn nothing_happens_when_the_register_does(behaviour: Behaviour) {
    let stocked = Stocked::start().await;
    let Stocked { api, .. } = &stocked;
    let before = api.documents().await;
    let recorded = api.audit.records().len();
    api.audit.behave(behaviour);

    let unknown = api.call("GET", &format!("patient/{}", unknown_id()));
    let calls = stocked.calls().into_iter().chain([unknown]);
    for response in join_all(calls.map(|call| call.send())).await {
        assert_unavailable(&response, "The audit register");
    }

    assert_eq!(api.documents().await, before, "{behaviour:?}");
    assert_eq!(api.audit.records().len(), recorded, "{behaviour:?}");
    api.audit.behave(Behaviour::Record);
    eventually("the register is reached again", async || {
        api.load_patient(&stocked.patient_id).await.status == 200
    })
    .await;
}

#[tokio::test]
async fn a_wrong_key_for_the_register_stops_every_request() {
    let api = PatientTestsApi::start_with(&[("AUDIT_API_KEY", "the-key-of-yesterday")]).await;

    let refused = api.call("POST", "patient").json(&patient()).expect(503).await;

    assert_unavailable(&refused, "The audit register");
    assert_eq!(api.documents_stored().await, 0);
    assert!(api.audit.records().is_empty());
}

#[tokio::test]
async fn transient_failures_are_retried() {
    for behaviour in [
        Behaviour::StatusTimes(429, 2),
        Behaviour::StatusTimes(500, 2),
        Behaviour::StatusTimes(503, 2),
    ] {
        let api = PatientTestsApi::start().await;
        api.audit.behave(behaviour);

        let created = api.call("POST", "patient").json(&patient()).expect(201).await;

        assert_eq!(api.documents_stored().await, 1);
        assert_eq!(api.outcomes_since(0), ["intended"], "{behaviour:?}");
        assert_eq!(api.audit.calls(), 3, "{behaviour:?}");
        let logs = api.app.host.invocation_logs();
        assert_eq!(logs.len(), 2, "{logs:#?}");
        assert!(logs[1].text.contains("trying again attempt=2"), "{logs:#?}");

        api.audit.behave(behaviour);
        let loaded = api.load_patient(created.body["id"].as_str().unwrap()).await;
        assert_eq!(loaded.body, created.body);
        assert_eq!(api.outcomes_since(1), ["succeeded"], "{behaviour:?}");
    }
}

#[tokio::test]
async fn the_register_is_tried_until_the_deadline() {
    let api = PatientTestsApi::start().await;
    // More than a fixed number of attempts would make in a few seconds.
    api.audit.behave(Behaviour::StatusTimes(503, 10));

    api.call("POST", "patient").json(&patient()).expect(201).await;

    assert_eq!(api.audit.calls(), 11);
}

#[tokio::test]
async fn a_record_whose_response_was_lost_is_created_once() {
    let stocked = Stocked::start().await;
    let Stocked { api, patient_id, .. } = &stocked;
    let recorded = api.audit.records().len();
    api.audit.behave(Behaviour::RecordThenDrop(2));

    let created = api.call("POST", "patient").json(&patient()).expect(201).await;
    api.audit.behave(Behaviour::RecordThenDrop(1));
    api.call("GET", &format!("patient/{patient_id}")).expect(200).await;

    let records = api.records_since(recorded);
    let [intent, release] = &records[..] else { panic!("{records:#?}") };
    assert_eq!(intent.body["resource"]["id"], created.body["id"]);
    assert_eq!(release.body["resource"]["disclosed"], json!([patient_id]));
    let id = created.body["id"].as_str().unwrap();
    let documents = api.documents().await;
    let document = documents.iter().find(|it| it.get_str("_id").unwrap() == id).unwrap();
    assert_eq!(document.get_str("_auditId").unwrap(), intent.id);
}

#[tokio::test]
async fn nothing_is_written_before_the_register_has_confirmed() {
    let stocked = Stocked::start().await;
    let Stocked { api, .. } = &stocked;
    let before = api.documents().await;
    let called = api.audit.calls();
    api.audit.behave(Behaviour::Hold);

    let writes: Vec<_> =
        stocked.writes().into_iter().map(|call| tokio::spawn(call.send())).collect();
    let announced = called + writes.len();
    eventually("every write is announced", async || api.audit.calls() == announced).await;
    assert_eq!(api.documents().await, before);
    api.audit.behave(Behaviour::Record);

    let responses = join_all(writes).await;
    assert_eq!(responses[0].as_ref().unwrap().status, 201);
    assert_ne!(api.documents().await, before);
}

#[tokio::test]
async fn nothing_is_returned_before_the_register_has_confirmed() {
    let stocked = Stocked::start().await;
    let Stocked { api, .. } = &stocked;
    let called = api.audit.calls();
    api.audit.behave(Behaviour::Hold);

    let reads: Vec<_> = stocked.reads().into_iter().map(|call| tokio::spawn(call.send())).collect();
    let recorded = called + reads.len();
    eventually("every read waits for its release", async || api.audit.calls() == recorded).await;
    assert!(reads.iter().all(|read| !read.is_finished()));
    api.audit.behave(Behaviour::Record);

    let statuses: Vec<_> =
        join_all(reads).await.into_iter().map(|response| response.unwrap().status).collect();
    assert_eq!(statuses, [200, 304, 200, 200, 200, 200, 200, 200, 200, 201]);
}
