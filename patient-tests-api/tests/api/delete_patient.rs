//! `DeletePatient`, DELETE patient/{patientId}

use mongodb::bson::doc;
use serde_json::json;

use crate::helpers::{PatientTestsApi, medical_test, unknown_id};

#[tokio::test]
async fn a_deleted_patient_is_kept_and_no_longer_shown() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;

    let deleted = api.call("DELETE", &format!("patient/{id}")).expect(204).await;

    assert_eq!(deleted.text, "");
    let document = api.patients().find_one(doc! {}).await.unwrap().unwrap();
    let [record] = &api.records_since(1)[..] else { panic!("one more record") };
    assert!(document.get_bool("_deleted").unwrap());
    assert_eq!(document.get_i64("_version").unwrap(), 2);
    assert_eq!(document.get_str("_auditId").unwrap(), record.id.as_str());
    assert_eq!(document.get_str("firstName").unwrap(), "Ada");
    assert_eq!(record.body["outcome"], "intended");
    assert_eq!(
        record.body["resource"],
        json!({"type": "patient", "operation": "delete", "id": id, "patientId": id})
    );
    assert_eq!(api.load_patient(&id).await.problem(), "deleted");
}

#[tokio::test]
async fn a_delete_can_be_repeated_whatever_version_it_expects() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let delete =
        || api.call("DELETE", &format!("patient/{id}")).header("If-Match", "\"1\"").expect(204);
    delete().await;
    let after_one = api.documents().await;

    delete().await;

    assert_eq!(api.documents().await, after_one);
    let [intent, end] = &api.records_since(2)[..] else { panic!("two records of the repetition") };
    assert_eq!(intent.body["outcome"], "intended");
    // No version names this intent, so the register has its end.
    assert_eq!(
        (&end.body["outcome"], &end.body["relatesTo"]),
        (&json!("succeeded"), &json!(intent.id))
    );
}

#[tokio::test]
async fn a_delete_of_an_unexpected_version_is_refused_with_the_current_one() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let before = api.documents().await;

    let call = api.call("DELETE", &format!("patient/{id}")).header("If-Match", "\"2\"");
    let refused = call.expect(412).await;

    assert_eq!(refused.problem(), "version-mismatch");
    assert_eq!(refused.header("ETag"), Some("\"1\""));
    assert_eq!(api.documents().await, before);
    assert_eq!(api.outcomes_since(1), ["intended", "refused"]);
    assert_eq!(api.load_patient(&id).await.status, 200);
}

#[tokio::test]
async fn an_unknown_patient_is_not_found() {
    let api = PatientTestsApi::start().await;

    let missing = api.call("DELETE", &format!("patient/{}", unknown_id())).expect(404).await;

    assert_eq!(missing.problem(), "not-found");
    assert_eq!(api.documents_stored().await, 0);
    assert_eq!(api.outcomes_since(0), ["intended", "refused"]);
}

#[tokio::test]
async fn the_tests_of_a_deleted_patient_are_gone_with_the_patient() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    let other_patient_id = api.create_patient().await;
    let other_id = api.create_test(&other_patient_id).await;
    api.call("DELETE", &format!("patient/{patient_id}")).expect(204).await;
    let before = api.documents().await;

    let path = format!("patient/{patient_id}/tests/{id}");
    let mut body = medical_test();
    body["id"] = json!(id);
    for call in [
        api.call("GET", &path),
        api.call("GET", &format!("patient/{patient_id}/tests")),
        api.call("PUT", &path).json(&body),
        api.call("DELETE", &path),
        api.call("POST", &format!("patient/{patient_id}/tests")).json(&medical_test()),
    ] {
        let gone = call.expect(410).await;

        assert_eq!(gone.problem(), "deleted");
        assert!(!gone.text.contains("Laboratory"), "{}", gone.text);
    }
    assert_eq!(api.documents().await, before);
    let others = format!("patient/{other_patient_id}/tests/{other_id}");
    api.call("GET", &others).expect(200).await;
}
