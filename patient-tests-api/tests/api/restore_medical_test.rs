//! `RestoreTest`, POST patient/{patientId}/tests/{testId}/restore

use mongodb::bson::doc;
use serde_json::json;
use stand_ins::test_app::Call;

use crate::helpers::{PatientTestsApi, medical_test_with};

fn restore(api: &PatientTestsApi, patient_id: &str, id: &str, version: i64) -> Call {
    let path = format!("patient/{patient_id}/tests/{id}/restore");
    api.call("POST", &path).json(&json!({"version": version}))
}

#[tokio::test]
async fn an_older_version_or_a_deleted_test_is_restored() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    let path = format!("patient/{patient_id}/tests/{id}");
    let created = api.call("GET", &path).expect(200).await;
    let mut body = medical_test_with("id", json!(id));
    body["observations"] = json!([]);
    api.call("PUT", &path).json(&body).expect(200).await;

    let restored = restore(&api, &patient_id, &id, 1).expect(200).await;
    assert_eq!(restored.header("ETag"), Some("\"3\""));
    assert_eq!(restored.body["observations"], created.body["observations"]);

    api.call("DELETE", &path).expect(204).await;
    let recorded = api.audit.records().len();
    let restored = restore(&api, &patient_id, &id, 2).expect(200).await;
    assert_eq!(
        (restored.header("ETag"), &restored.body["observations"]),
        (Some("\"5\""), &json!([]))
    );
    assert_eq!(api.call("GET", &path).expect(200).await.body, restored.body);
    let [record, ..] = &api.records_since(recorded)[..] else { panic!("a record") };
    assert_eq!(
        record.body["resource"],
        json!({
            "type": "test", "operation": "restore", "id": id, "patientId": patient_id, "version": 2
        })
    );
}

#[tokio::test]
async fn a_test_of_a_deleted_patient_is_restored_after_the_patient() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    api.call("DELETE", &format!("patient/{patient_id}/tests/{id}")).expect(204).await;
    api.call("DELETE", &format!("patient/{patient_id}")).expect(204).await;
    let before = api.documents().await;

    let refused = restore(&api, &patient_id, &id, 1).expect(410).await;
    assert_eq!(refused.problem(), "deleted");
    assert_eq!(api.documents().await, before);

    let path = format!("patient/{patient_id}/restore");
    api.call("POST", &path).json(&json!({"version": 1})).expect(200).await;
    restore(&api, &patient_id, &id, 1).expect(200).await;
    let test = api.tests().find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(test.get_i64("_version").unwrap(), 3);
}
