//! `DeleteTest`, DELETE patient/{patientId}/tests/{testId}

use mongodb::bson::doc;
use serde_json::json;

use crate::helpers::{PatientTestsApi, unknown_id};

#[tokio::test]
async fn a_deleted_test_is_kept_and_no_longer_shown() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    let path = format!("patient/{patient_id}/tests/{id}");

    let deleted = api.call("DELETE", &path).expect(204).await;

    assert_eq!(deleted.text, "");
    let document = api.tests().find_one(doc! {}).await.unwrap().unwrap();
    let record = &api.records_since(2)[0];
    assert!(document.get_bool("_deleted").unwrap());
    assert_eq!(document.get_i64("_version").unwrap(), 2);
    assert_eq!(document.get_str("_auditId").unwrap(), record.id.as_str());
    assert_eq!(document.get_str("performer").unwrap(), "Laboratory 4");
    assert_eq!(
        record.body["resource"],
        json!({"type": "test", "operation": "delete", "id": id, "patientId": patient_id})
    );
    assert_eq!(api.call("GET", &path).expect(410).await.problem(), "deleted");
    assert_eq!(api.load_patient(&patient_id).await.status, 200);
}

#[tokio::test]
async fn a_delete_can_be_repeated_whatever_version_it_expects() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    let path = format!("patient/{patient_id}/tests/{id}");
    let delete = || api.call("DELETE", &path).header("If-Match", "\"1\"").expect(204);
    delete().await;
    let after_one = api.documents().await;

    delete().await;

    assert_eq!(api.documents().await, after_one);
}

#[tokio::test]
async fn a_delete_of_an_unexpected_version_is_refused_with_the_current_one() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    let before = api.documents().await;

    let call = api.call("DELETE", &format!("patient/{patient_id}/tests/{id}"));
    let refused = call.header("If-Match", "\"2\"").expect(412).await;

    assert_eq!(refused.problem(), "version-mismatch");
    assert_eq!(refused.header("ETag"), Some("\"1\""));
    assert_eq!(api.documents().await, before);
    assert_eq!(api.outcomes_since(2), ["intended", "refused"]);
}

#[tokio::test]
async fn a_test_that_is_not_the_patients_is_not_found() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let other_patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    let before = api.documents().await;

    for path in [
        format!("patient/{patient_id}/tests/{}", unknown_id()),
        format!("patient/{other_patient_id}/tests/{id}"),
        format!("patient/{}/tests/{id}", unknown_id()),
    ] {
        assert_eq!(api.call("DELETE", &path).expect(404).await.problem(), "not-found", "{path}");
    }
    assert_eq!(api.documents().await, before);
    assert_eq!(api.outcomes_since(3), ["intended", "refused"].repeat(3));
}
