//! `RestorePatient`, POST patient/{patientId}/restore

use mongodb::bson::doc;
use serde_json::{Value, json};
use stand_ins::test_app::Call;

use crate::helpers::{PatientTestsApi, unknown_id, versions};

fn restore(api: &PatientTestsApi, id: &str, version: i64) -> Call {
    api.call("POST", &format!("patient/{id}/restore")).json(&json!({"version": version}))
}

#[tokio::test]
async fn an_older_version_becomes_the_next_version() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let created = api.load_patient(&id).await;
    api.rename_patient(&id, "Augusta").await;
    let recorded = api.audit.records().len();

    let restored = restore(&api, &id, 1).expect(200).await;

    assert_eq!(restored.header("ETag"), Some("\"3\""));
    let mut expected = created.body;
    expected["lastUpdated"] = restored.body["lastUpdated"].clone();
    assert_eq!(restored.body, expected);
    assert_eq!(api.load_patient(&id).await.body, restored.body);
    let [record, ..] = &api.records_since(recorded)[..] else { panic!("a record") };
    assert_eq!(record.body["outcome"], "intended");
    assert_eq!(
        record.body["resource"],
        json!({
            "type": "patient", "operation": "restore", "id": id, "patientId": id, "version": 1
        })
    );
    let document = api.patients().find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(document.get_str("_auditId").unwrap(), record.id.as_str());
}

#[tokio::test]
async fn a_deleted_patient_is_restored_and_found_again() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let test_id = api.create_test(&id).await;
    api.call("DELETE", &format!("patient/{id}")).expect(204).await;

    let restored = restore(&api, &id, 1).expect(200).await;

    assert_eq!(restored.header("ETag"), Some("\"3\""));
    assert_eq!(api.load_patient(&id).await.body, restored.body);
    let found = api.call("POST", "patient/search").json(&json!({"firstName": "ada"}));
    assert_eq!(found.expect(200).await.body, json!([restored.body]));
    api.call("GET", &format!("patient/{id}/tests/{test_id}")).expect(200).await;
}

#[tokio::test]
async fn content_that_is_current_is_returned_without_a_write() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    api.rename_patient(&id, "Augusta").await;
    api.rename_patient(&id, "Ada").await;
    let before = api.documents().await;
    for version in [1, 3] {
        let recorded = api.audit.records().len();

        let restored = restore(&api, &id, version).expect(200).await;

        assert_eq!(restored.header("ETag"), Some("\"3\""));
        assert_eq!(restored.body["firstName"], "Ada");
        let [intent, end] = &api.records_since(recorded)[..] else { panic!("two records") };
        assert_eq!(
            (&intent.body["outcome"], &end.body["outcome"]),
            (&json!("intended"), &json!("succeeded"))
        );
        assert_eq!(end.body["relatesTo"], json!(intent.id));
        assert_eq!(end.body["resource"]["disclosed"], json!([id]));
    }
    assert_eq!(api.documents().await, before);
}

#[tokio::test]
async fn what_cannot_be_restored_is_refused_and_changes_nothing() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    api.rename_patient(&id, "Augusta").await;
    api.call("DELETE", &format!("patient/{id}")).expect(204).await;
    let before = api.documents().await;
    let recorded = api.audit.records().len();

    assert_eq!(restore(&api, &id, 3).expect(410).await.problem(), "deleted");
    assert_eq!(restore(&api, &id, 4).expect(404).await.problem(), "not-found");
    assert_eq!(restore(&api, &unknown_id(), 1).expect(404).await.problem(), "not-found");
    let stale = restore(&api, &id, 1).header("If-Match", "\"2\"").expect(412).await;
    assert_eq!((stale.problem(), stale.header("ETag")), ("version-mismatch", Some("\"3\"")));

    assert_eq!(api.documents().await, before);
    assert_eq!(api.outcomes_since(recorded), ["intended", "refused"].repeat(4));
    restore(&api, &id, 1).header("If-Match", "\"3\"").expect(200).await;
}

#[tokio::test]
async fn a_bad_body_is_refused_and_unrecorded() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let before = api.side_effects().await;
    for (body, pointer) in [
        (json!({}), "/version"),
        (json!({"version": 0}), "/version"),
        (json!({"version": 1.5}), "/version"),
        (json!({"version": "1"}), "/version"),
        (json!({"version": Value::Null}), "/version"),
        (json!({"version": 1, "firstName": "Ada"}), "/firstName"),
    ] {
        let path = format!("patient/{id}/restore");
        let refused = api.call("POST", &path).json(&body).expect(400).await;

        let pointers: Vec<_> = refused.wrong_fields().iter().map(|(pointer, _)| *pointer).collect();
        assert_eq!(pointers, [pointer], "{body}");
    }
    assert_eq!(api.side_effects().await, before);
}

#[tokio::test]
async fn a_deletion_of_an_earlier_release_kept_the_version_before_it() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    // Earlier releases marked the document and kept no copy.
    let deleted = doc! { "$set": { "_deleted": true, "_version": 2i64 } };
    api.patients().update_one(doc! { "_id": &id }, deleted).await.unwrap();

    let listed = api.call("GET", &format!("patient/{id}/history")).expect(200).await;
    let history = api.history(&format!("patient/{id}")).await;
    assert_eq!(history, versions(&[(2, "delete"), (1, "create")]));
    assert_eq!(listed.body[1].get("auditRecordId"), None);
    let first = api.call("GET", &format!("patient/{id}/history/1")).expect(200).await;
    assert_eq!((first.header("ETag"), &first.body["firstName"]), (Some("\"1\""), &json!("Ada")));

    let restored = restore(&api, &id, 1).expect(200).await;

    assert_eq!(
        (restored.header("ETag"), &restored.body["firstName"]),
        (Some("\"3\""), &json!("Ada"))
    );
    assert_eq!(api.load_patient(&id).await.status, 200);
}
