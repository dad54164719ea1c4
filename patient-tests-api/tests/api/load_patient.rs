//! `LoadPatient`, GET patient/{patientId}

use serde_json::json;

use crate::helpers::{PatientTestsApi, patient, unknown_id};

#[tokio::test]
async fn a_patient_is_returned_with_the_version() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;

    let loaded = api.call("GET", &format!("patient/{id}")).expect(200).await;

    assert_eq!(loaded.header("ETag"), Some("\"1\""));
    assert_eq!(loaded.header("Content-Type"), Some("application/json; charset=utf-8"));
    let mut expected = patient();
    expected["id"] = json!(id);
    expected["lastUpdated"] = loaded.body["lastUpdated"].clone();
    assert_eq!(loaded.body, expected);
    let moment = loaded.body["lastUpdated"].as_str().unwrap();
    assert_eq!((moment.len(), &moment[10..11], &moment[19..20]), (24, "T", "."), "{moment}");
    assert!(moment.ends_with('Z'), "{moment}");
}

#[tokio::test]
async fn an_id_is_understood_in_any_letter_case() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;

    let path = format!("patient/{}", id.to_uppercase());
    let loaded = api.call("GET", &path).expect(200).await;

    assert_eq!(loaded.body["id"], json!(id));
}

#[tokio::test]
async fn the_release_is_recorded_with_the_id_that_is_disclosed() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;

    api.call("GET", &format!("patient/{id}"))
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .expect(200)
        .await;

    let [record] = &api.records_since(1)[..] else { panic!("one more record") };
    assert_eq!(
        record.body,
        json!({
            "sourceSystemName": "PatientTestsApi",
            "resource": {
                "type": "patient", "operation": "read", "id": id, "patientId": id, "version": 1,
                "disclosed": [id]
            },
            "outcome": "succeeded",
            "actor": {"keyName": "tests"},
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736"
        })
    );
}

#[tokio::test]
async fn a_client_with_the_current_version_gets_304() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    for tag in ["\"1\"", "W/\"1\"", "*", "\"7\", \"1\""] {
        let recorded = api.audit.records().len();
        let call = api.call("GET", &format!("patient/{id}")).header("If-None-Match", tag);

        let unchanged = call.expect(304).await;

        assert_eq!(unchanged.text, "", "{tag}");
        assert_eq!(unchanged.header("ETag"), Some("\"1\""), "{tag}");
        let [record] = &api.records_since(recorded)[..] else { panic!("one more record") };
        assert_eq!(record.body["outcome"], "succeeded");
        assert_eq!(record.body["resource"]["disclosed"], json!([]));
    }

    let call = api.call("GET", &format!("patient/{id}")).header("If-None-Match", "\"2\"");
    assert_eq!(call.expect(200).await.body["firstName"], "Ada");
}

#[tokio::test]
async fn an_unknown_patient_is_not_found_and_that_is_recorded() {
    let api = PatientTestsApi::start().await;
    let id = unknown_id();

    let missing = api.call("GET", &format!("patient/{id}")).expect(404).await;

    assert_eq!(missing.problem(), "not-found");
    let [record] = &api.audit.records()[..] else { panic!("one record") };
    assert_eq!(record.body["outcome"], "notFound");
    assert_eq!(
        record.body["resource"],
        json!({"type": "patient", "operation": "read", "id": id, "patientId": id})
    );
}

#[tokio::test]
async fn a_deleted_patient_is_gone_and_the_attempt_is_recorded() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    api.call("DELETE", &format!("patient/{id}")).expect(204).await;

    let gone = api.call("GET", &format!("patient/{id}")).expect(410).await;

    assert_eq!(gone.problem(), "deleted");
    assert!(!gone.text.contains("Ada"), "{}", gone.text);
    let [record] = &api.records_since(2)[..] else { panic!("one more record") };
    assert_eq!(record.body["outcome"], "refused");
    assert_eq!(
        record.body["resource"],
        json!({"type": "patient", "operation": "read", "id": id, "patientId": id})
    );
}
