//! Writes whose replies are lost, late or never come, with other writers in between: each caller
//! gets the truth, and each change happens once.

use mongodb::bson::{Document, doc};
use serde_json::{Value, json};
use stand_ins::audit_api::RecordedCall;
use stand_ins::mongo::{self, Proxy};
use stand_ins::test_app::{Call, Response};
use tokio::task::JoinHandle;

use crate::every_function::assert_unconfirmed;
use crate::helpers::{PatientTestsApi, patient, patient_with, versions};

/// An app behind a proxy, and a patient.
struct Setup {
    proxy: Proxy,
    api: PatientTestsApi,
    id: String,
}

impl Setup {
    async fn start() -> Self {
        let proxy = Proxy::start(&mongo::for_tests().await).await;
        let api = PatientTestsApi::start_on(&proxy.connection_string(), &[]).await;
        let id = api.create_patient().await;
        Self { proxy, api, id }
    }

    fn rename(&self, name: &str) -> Call {
        let body = changed_name(&self.id, name);
        self.api.call("PUT", &format!("patient/{}", self.id)).json(&body)
    }

    async fn document(&self) -> Document {
        self.api.patients().find_one(doc! { "_id": &self.id }).await.unwrap().unwrap()
    }

    async fn history(&self) -> Vec<(i64, String)> {
        self.api.history(&format!("patient/{}", self.id)).await
    }
}

fn changed_name(id: &str, name: &str) -> Value {
    let mut body = patient_with("id", json!(id));
    body["firstName"] = json!(name);
    body
}

fn start(call: Call) -> JoinHandle<Response> {
    tokio::spawn(call.send())
}

async fn end(call: JoinHandle<Response>, status: u16) -> Response {
    let response = call.await.unwrap();
    assert_eq!(response.status, status, "{response:#?}");
    response
}

fn outcomes(records: &[RecordedCall]) -> Vec<&str> {
    records.iter().map(|record| record.body["outcome"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_replacement_that_somebody_else_overwrote_meanwhile_did_happen() {
    for precondition in [Some("\"1\""), None] {
        let setup = Setup::start().await;
        let recorded = setup.api.audit.records().len();
        let mut reply = setup.proxy.hold_next_reply_to("update");
        let call = setup.rename("Augusta");
        let call = match precondition {
            Some(version) => call.header("If-Match", version),
            None => call,
        };
        let updating = start(call);
        reply.arrived().await;
        setup.rename("Ada King").header("If-Match", "\"2\"").expect(200).await;
        reply.lose();

        let updated = end(updating, 200).await;

        assert_eq!(updated.header("ETag"), Some("\"2\""));
        assert_eq!(updated.body["firstName"], "Augusta");
        assert_eq!(setup.document().await.get_str("firstName").unwrap(), "Ada King");
        assert_eq!(outcomes(&setup.api.records_since(recorded)), ["intended"; 2]);
        let expected = versions(&[(3, "update"), (2, "update"), (1, "create")]);
        assert_eq!(setup.history().await, expected);
    }
}

#[tokio::test]
async fn a_replacement_whose_reply_never_comes_is_looked_up_and_happened_once() {
    let setup = Setup::start().await;
    let mut reply = setup.proxy.hold_next_reply_to("update");
    let updating = start(setup.rename("Augusta"));
    reply.arrived().await;
    setup.rename("Ada King").header("If-Match", "\"2\"").expect(200).await;

    // The attempt is given up after its time limit; the connection stays silent.
    let updated = end(updating, 200).await;

    assert_eq!(updated.header("ETag"), Some("\"2\""));
    let expected = versions(&[(3, "update"), (2, "update"), (1, "create")]);
    assert_eq!(setup.history().await, expected);
    drop(reply);
}

#[tokio::test]
async fn a_replacement_that_is_executed_late_changes_nothing_any_more() {
    let setup = Setup::start().await;
    let mut command = setup.proxy.hold_next("update");
    let updating = start(setup.rename("Augusta"));
    command.arrived().await;
    // The first attempt is given up, and the second one succeeds.
    let updated = end(updating, 200).await;
    assert_eq!(updated.header("ETag"), Some("\"2\""));
    setup.rename("Ada King").header("If-Match", "\"2\"").expect(200).await;
    let before = setup.document().await;

    command.execute().await;

    assert_eq!(setup.document().await, before);
    let expected = versions(&[(3, "update"), (2, "update"), (1, "create")]);
    assert_eq!(setup.history().await, expected);
}

#[tokio::test]
async fn a_deletion_that_somebody_restored_meanwhile_did_happen() {
    let setup = Setup::start().await;
    let path = format!("patient/{}", setup.id);
    let recorded = setup.api.audit.records().len();
    let mut reply = setup.proxy.hold_next_reply_to("update");
    let deleting = start(setup.api.call("DELETE", &path));
    reply.arrived().await;
    let restore = setup.api.call("POST", &format!("{path}/restore")).json(&json!({"version": 1}));
    restore.expect(200).await;
    reply.lose();

    end(deleting, 204).await;

    assert_eq!(setup.api.load_patient(&setup.id).await.status, 200);
    assert_eq!(outcomes(&setup.api.records_since(recorded))[..2], ["intended"; 2]);
    let expected = versions(&[(3, "restore"), (2, "delete"), (1, "create")]);
    assert_eq!(setup.history().await, expected);
}

#[tokio::test]
async fn a_create_whose_record_somebody_changed_or_deleted_meanwhile_did_happen() {
    for (method, status) in [("PUT", 200), ("DELETE", 204)] {
        let setup = Setup::start().await;
        let recorded = setup.api.audit.records().len();
        let mut reply = setup.proxy.hold_next_reply_to("insert");
        let call = setup.api.call("POST", "patient").header("Idempotency-Key", "k-1");
        let creating = start(call.json(&patient()));
        reply.arrived().await;
        let new = doc! { "_id": { "$ne": &setup.id } };
        let created = setup.api.patients().find_one(new).await.unwrap().unwrap();
        let id = created.get_str("_id").unwrap().to_owned();
        let call = setup.api.call(method, &format!("patient/{id}"));
        call.json(&changed_name(&id, "Augusta")).expect(status).await;
        reply.lose();

        let created = end(creating, 201).await;

        assert_eq!(created.header("ETag"), Some("\"1\""));
        assert_eq!((&created.body["id"], &created.body["firstName"]), (&json!(id), &json!("Ada")));
        assert_eq!(created.header("Idempotency-Replayed"), None);
        assert_eq!(outcomes(&setup.api.records_since(recorded)), ["intended"; 2], "{method}");
        assert_eq!(setup.api.patients().count_documents(doc! {}).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn a_repeated_create_of_a_changed_record_is_still_a_repetition() {
    let setup = Setup::start().await;
    let create = || {
        let call = setup.api.call("POST", "patient").header("Idempotency-Key", "k-1");
        call.json(&patient())
    };
    let created = create().expect(201).await;
    let id = created.body["id"].as_str().unwrap();
    setup.api.rename_patient(id, "Augusta").await;

    let repeated = create().expect(201).await;

    assert_eq!(repeated.header("Idempotency-Replayed"), Some("true"));
    assert_eq!(
        (repeated.header("ETag"), &repeated.body["firstName"]),
        (Some("\"2\""), &json!("Augusta"))
    );
    setup.api.call("DELETE", &format!("patient/{id}")).expect(204).await;
    assert_eq!(create().expect(410).await.problem(), "deleted");
}

#[tokio::test]
async fn a_write_whose_replies_never_come_is_recorded_as_unknown() {
    let setup = Setup::start().await;
    let recorded = setup.api.audit.records().len();
    // More than the attempts that fit into the deadline.
    let mut replies: Vec<_> = (0..8).map(|_| setup.proxy.hold_next_reply_to("update")).collect();
    let updating = start(setup.rename("Augusta"));
    replies[0].arrived().await;

    let response = updating.await.unwrap();

    assert_unconfirmed(&response);
    let records = setup.api.records_since(recorded);
    assert_eq!(outcomes(&records), ["intended", "unknown"]);
    assert_eq!(records[1].body["relatesTo"], json!(records[0].id));
    let document = setup.document().await;
    assert_eq!(document.get_str("_auditId").unwrap(), records[0].id);
    assert_eq!(document.get_i64("_version").unwrap(), 2);
}

#[tokio::test]
async fn a_write_that_is_executed_after_its_caller_gave_up_was_recorded_as_unknown() {
    let setup = Setup::start().await;
    let recorded = setup.api.audit.records().len();
    let mut commands: Vec<_> = (0..8).map(|_| setup.proxy.hold_next("update")).collect();
    let updating = start(setup.rename("Augusta"));
    commands[0].arrived().await;

    let response = updating.await.unwrap();
    assert_unconfirmed(&response);
    assert_eq!(setup.document().await.get("_version"), Some(&1i64.into()));
    commands.remove(0).execute().await;

    let records = setup.api.records_since(recorded);
    assert_eq!(outcomes(&records), ["intended", "unknown"]);
    assert_eq!(setup.document().await.get_str("_auditId").unwrap(), records[0].id);
}
