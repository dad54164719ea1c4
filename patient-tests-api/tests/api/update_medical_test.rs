//! `UpdateTest`, PUT patient/{patientId}/tests/{testId}

use mongodb::bson::doc;
use serde_json::{Value, json};

use crate::helpers::{PatientTestsApi, medical_test, medical_test_with, unknown_id};

#[tokio::test]
async fn a_test_is_replaced_and_has_the_next_version() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    let path = format!("patient/{patient_id}/tests/{id}");
    let body = json!({
        "id": id, "performer": "Laboratory 5", "orderReference": "O-43", "observations": []
    });

    let updated = api.call("PUT", &path).json(&body).expect(200).await;

    assert_eq!(updated.header("ETag"), Some("\"2\""));
    let mut expected = body;
    expected["patientId"] = json!(patient_id);
    expected["lastUpdated"] = updated.body["lastUpdated"].clone();
    assert_eq!(updated.body, expected);
    assert_eq!(api.call("GET", &path).expect(200).await.body, expected);
    let document = api.tests().find_one(doc! {}).await.unwrap().unwrap();
    let record = &api.records_since(2)[0];
    assert_eq!(document.get_str("_auditId").unwrap(), record.id.as_str());
    assert_eq!(document.get_i64("_version").unwrap(), 2);
    assert_eq!(
        record.body["resource"],
        json!({"type": "test", "operation": "update", "id": id, "patientId": patient_id})
    );
}

#[tokio::test]
async fn a_loaded_record_can_be_sent_back() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    let path = format!("patient/{patient_id}/tests/{id}");
    let loaded = api.call("GET", &path).expect(200).await;

    let call = api.call("PUT", &path).header("If-Match", "\"1\"").json(&loaded.body);
    let updated = call.expect(200).await;

    assert_eq!(updated.body["observations"], medical_test()["observations"]);
}

#[tokio::test]
async fn an_update_of_an_unexpected_version_is_refused_with_the_current_one() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    let before = api.documents().await;

    let call = api.call("PUT", &format!("patient/{patient_id}/tests/{id}"));
    let call = call.header("If-Match", "\"7\"").json(&medical_test_with("id", json!(id)));
    let refused = call.expect(412).await;

    assert_eq!(refused.problem(), "version-mismatch");
    assert_eq!(refused.header("ETag"), Some("\"1\""));
    assert_eq!(api.documents().await, before);
    assert_eq!(api.outcomes_since(2), ["intended", "refused"]);
}

#[tokio::test]
async fn an_unknown_test_is_not_created_and_a_deleted_one_not_revived() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let other_patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    let deleted_id = api.create_test(&patient_id).await;
    api.call("DELETE", &format!("patient/{patient_id}/tests/{deleted_id}")).expect(204).await;
    let before = api.documents().await;
    let recorded = api.audit.records().len();
    let unknown_id = unknown_id();

    for (patient_id, id, status, problem) in [
        (&patient_id, &unknown_id, 404, "not-found"),
        (&other_patient_id, &id, 404, "not-found"),
        (&unknown_id, &id, 404, "not-found"),
        (&patient_id, &deleted_id, 410, "deleted"),
    ] {
        let call = api.call("PUT", &format!("patient/{patient_id}/tests/{id}"));
        let refused = call.json(&medical_test_with("id", json!(id))).expect(status).await;

        assert_eq!(refused.problem(), problem);
    }
    assert_eq!(api.documents().await, before);
    assert_eq!(api.outcomes_since(recorded), ["intended", "refused"].repeat(4));
}

#[tokio::test]
async fn every_wrong_field_is_listed_and_nothing_is_changed_or_recorded() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    let good = medical_test_with("id", json!(id));
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let refusals = [
        (medical_test(), vec!["/id"]),
        (with("id", json!(unknown_id())), vec!["/id"]),
        (with("patientId", json!(unknown_id())), vec!["/patientId"]),
        (with("createdDate", json!("2020-01-01T00:00:00Z")), vec!["/createdDate"]),
        (with("observations", json!(null)), vec!["/observations"]),
        (with("unit", json!("%")), vec!["/unit"]),
    ];
    let before = api.side_effects().await;

    for (body, pointers) in refusals {
        let call = api.call("PUT", &format!("patient/{patient_id}/tests/{id}")).json(&body);
        let refused = call.expect(400).await;

        assert_eq!(refused.problem(), "invalid-request");
        let named: Vec<_> =
            refused.wrong_fields().into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(named, pointers, "{body}");
    }
    assert_eq!(api.side_effects().await, before);
}
