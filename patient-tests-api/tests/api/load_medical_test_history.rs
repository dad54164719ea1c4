//! `LoadTestHistory`, GET patient/{patientId}/tests/{testId}/history/{version?}

use serde_json::json;

use crate::helpers::{PatientTestsApi, medical_test_with, unknown_id, versions};

#[tokio::test]
async fn each_version_of_a_test_can_be_listed_and_loaded() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    let path = format!("patient/{patient_id}/tests/{id}");
    let mut body = medical_test_with("id", json!(id));
    body["performer"] = json!("Laboratory 5");
    api.call("PUT", &path).json(&body).expect(200).await;
    let recorded = api.audit.records().len();

    let history = api.history(&path).await;
    let first = api.call("GET", &format!("{path}/history/1")).expect(200).await;

    assert_eq!(history, versions(&[(2, "update"), (1, "create")]));
    assert_eq!(first.header("ETag"), Some("\"1\""));
    assert_eq!(first.body["performer"], "Laboratory 4");
    let [list, one] = &api.records_since(recorded)[..] else { panic!("a record for each read") };
    let resource = json!({
        "type": "test", "operation": "read", "id": id, "patientId": patient_id, "disclosed": [id]
    });
    assert_eq!(list.body["resource"], resource);
    let mut resource = resource;
    resource["version"] = json!(1);
    assert_eq!(one.body["resource"], resource);
}

#[tokio::test]
async fn the_history_of_another_patients_test_is_not_found() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    let other = api.create_patient().await;
    for (patient, test) in [(&other, &id), (&unknown_id(), &id), (&patient_id, &unknown_id())] {
        for end in ["history", "history/1"] {
            let path = format!("patient/{patient}/tests/{test}/{end}");
            assert_eq!(api.call("GET", &path).expect(404).await.problem(), "not-found", "{path}");
        }
    }
}

#[tokio::test]
async fn the_tests_of_a_deleted_patient_still_have_a_history() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    api.call("DELETE", &format!("patient/{patient_id}")).expect(204).await;

    let path = format!("patient/{patient_id}/tests/{id}/history");
    let listed = api.call("GET", &path).expect(200).await;

    assert_eq!(listed.body.as_array().unwrap().len(), 1);
    api.call("GET", &format!("{path}/1")).expect(200).await;
}
