//! `CreateTest`, POST patient/{patientId}/tests

use mongodb::bson::doc;
use serde_json::json;

use crate::helpers::{PatientTestsApi, medical_test, medical_test_with, unknown_id};

#[tokio::test]
async fn a_test_is_stored_and_returned_with_ids_and_version() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let path = format!("patient/{patient_id}/tests");

    let created = api.call("POST", &path).json(&medical_test()).expect(201).await;

    let id = created.body["id"].as_str().unwrap();
    assert_eq!(created.header("ETag"), Some("\"1\""));
    assert_eq!(created.header("Location"), Some(format!("tests/{id}").as_str()));
    let mut expected = medical_test();
    expected["id"] = json!(id);
    expected["patientId"] = json!(patient_id);
    expected["lastUpdated"] = created.body["lastUpdated"].clone();
    assert_eq!(created.body, expected);
    let loaded = api.call("GET", &format!("{path}/{id}")).expect(200).await;
    assert_eq!(loaded.body, created.body);
}

#[tokio::test]
async fn a_location_leads_from_the_url_that_was_called() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let path = format!("patient/{patient_id}/tests/");

    let created = api.call("POST", &path).json(&medical_test()).expect(201).await;

    assert_eq!(created.header("Location"), created.body["id"].as_str());
}

#[tokio::test]
async fn the_document_names_the_record_that_announced_it() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;

    let id = api.create_test(&patient_id).await;

    let document = api.tests().find_one(doc! {}).await.unwrap().unwrap();
    let [record] = &api.records_since(1)[..] else { panic!("one more record") };
    assert_eq!(document.get_str("_id").unwrap(), id.as_str());
    assert_eq!(document.get_str("_shardKey").unwrap(), patient_id.as_str());
    assert_eq!(document.get_str("patientId").unwrap(), patient_id.as_str());
    assert_eq!(document.get_str("_auditId").unwrap(), record.id.as_str());
    assert_eq!(document.get_i64("_version").unwrap(), 1);
    assert!(document.get_datetime("lastUpdated").is_ok());
    assert_eq!(record.body["outcome"], "intended");
    assert_eq!(
        record.body["resource"],
        json!({"type": "test", "operation": "create", "id": id, "patientId": patient_id})
    );
}

#[tokio::test]
async fn the_patients_id_may_be_repeated_in_the_body() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let body = medical_test_with("patientId", json!(patient_id.to_uppercase()));

    let created =
        api.call("POST", &format!("patient/{patient_id}/tests")).json(&body).expect(201).await;

    assert_eq!(created.body["patientId"], json!(patient_id));
}

#[tokio::test]
async fn a_test_may_be_without_observations_or_have_a_thousand() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let observation = medical_test()["observations"][0].clone();

    for count in [0, 1000] {
        let body = medical_test_with("observations", json!(vec![observation.clone(); count]));
        let call = api.call("POST", &format!("patient/{patient_id}/tests")).json(&body);
        let created = call.expect(201).await;

        assert_eq!(created.body["observations"].as_array().unwrap().len(), count);
    }
}

#[tokio::test]
async fn every_wrong_field_is_listed_and_nothing_is_stored_or_recorded() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let long = json!("x".repeat(257));
    let observed = |field: &str, value| {
        let mut body = medical_test();
        body["observations"][1][field] = value;
        body
    };
    let many = json!(vec![medical_test()["observations"][0].clone(); 1001]);
    let refusals = [
        (json!({}), vec!["/performer", "/orderReference", "/observations"]),
        (json!("text"), vec![""]),
        (medical_test_with("performer", long.clone()), vec!["/performer"]),
        (medical_test_with("orderReference", json!("")), vec!["/orderReference"]),
        (medical_test_with("observations", json!({})), vec!["/observations"]),
        (medical_test_with("observations", many), vec!["/observations"]),
        (medical_test_with("observations", json!([1])), vec!["/observations/0"]),
        (observed("measurement", json!("x".repeat(4097))), vec!["/observations/1/measurement"]),
        (observed("measurement", json!(5.4)), vec!["/observations/1/measurement"]),
        (observed("code", long), vec!["/observations/1/code"]),
        (observed("issued", json!("2020-02-30T00:00:00Z")), vec!["/observations/1/issued"]),
        (observed("issued", json!("2020-02")), vec!["/observations/1/issued"]),
        (observed("issued", json!("2016-12-31T23:59:60Z")), vec!["/observations/1/issued"]),
        (observed("issued", json!("0000-01-01")), vec!["/observations/1/issued"]),
        (observed("interpretation", json!("")), vec!["/observations/1/interpretation"]),
        (observed("status", json!(null)), vec!["/observations/1/status"]),
        (observed("unit", json!("%")), vec!["/observations/1/unit"]),
        (medical_test_with("patientId", json!(unknown_id())), vec!["/patientId"]),
        (medical_test_with("id", json!(unknown_id())), vec!["/id"]),
        (medical_test_with("lastUpdated", json!("2020-01-01T00:00:00Z")), vec!["/lastUpdated"]),
        (medical_test_with("createdDate", json!("2020-01-01T00:00:00Z")), vec!["/createdDate"]),
    ];
    let before = api.side_effects().await;

    for (body, pointers) in refusals {
        let call = api.call("POST", &format!("patient/{patient_id}/tests")).json(&body);
        let refused = call.expect(400).await;

        assert_eq!(refused.problem(), "invalid-request");
        let named: Vec<_> =
            refused.wrong_fields().into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(named, pointers);
    }
    assert_eq!(api.side_effects().await, before);
}

#[tokio::test]
async fn a_test_needs_a_patient() {
    let api = PatientTestsApi::start().await;

    let call = api.call("POST", &format!("patient/{}/tests", unknown_id())).json(&medical_test());

    assert_eq!(call.expect(404).await.problem(), "not-found");
    assert_eq!(api.documents_stored().await, 0);
    assert_eq!(api.outcomes_since(0), ["intended", "refused"]);
    assert_eq!(api.audit.records()[1].body["relatesTo"], api.audit.records()[0].id);
}

#[tokio::test]
async fn an_invalid_patient_id_is_refused() {
    let api = PatientTestsApi::start().await;

    let refused = api.call("POST", "patient/42/tests").json(&medical_test()).expect(400).await;

    assert_eq!(refused.problem(), "invalid-request");
    assert_eq!(refused.body["detail"], "The patient's id in the path is not a GUID.");
    assert_eq!(api.side_effects().await, (vec![], 0));
}

#[tokio::test]
async fn a_repeated_request_creates_one_test_and_is_marked_as_replayed() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let send = async || {
        let call = api.call("POST", &format!("patient/{patient_id}/tests"));
        call.header("Idempotency-Key", "k-1").json(&medical_test()).expect(201).await
    };

    let (first, second) = (send().await, send().await);

    assert_eq!(first.header("Idempotency-Replayed"), None);
    assert_eq!(second.header("Idempotency-Replayed"), Some("true"));
    assert_eq!(first.body, second.body);
    assert_eq!(api.tests().count_documents(doc! {}).await.unwrap(), 1);
    assert_eq!(api.outcomes_since(1), ["intended", "intended", "succeeded"]);
    let released = &api.records_since(3)[0].body;
    assert_eq!(released["resource"]["disclosed"], json!([first.body["id"]]));
}

#[tokio::test]
async fn an_idempotency_key_with_other_content_is_refused() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let call = |body| {
        let call = api.call("POST", &format!("patient/{patient_id}/tests"));
        call.header("Idempotency-Key", "k-1").json(&body)
    };
    call(medical_test()).expect(201).await;
    let before = api.documents().await;

    let other_content = call(medical_test_with("performer", json!("Laboratory 5")));
    assert_eq!(other_content.expect(422).await.problem(), "idempotency-key-reused");

    assert_eq!(api.documents().await, before);
    assert_eq!(api.outcomes_since(2), ["intended", "refused"]);
}

#[tokio::test]
async fn the_same_key_for_another_patient_is_another_request() {
    let api = PatientTestsApi::start().await;
    let mut ids = Vec::new();
    for patient_id in [api.create_patient().await, api.create_patient().await] {
        let call = api.call("POST", &format!("patient/{patient_id}/tests"));
        let created = call.header("Idempotency-Key", "k-1").json(&medical_test()).expect(201).await;

        assert_eq!(created.header("Idempotency-Replayed"), None);
        assert_eq!(created.body["patientId"], json!(patient_id));
        ids.push(created.body["id"].clone());
    }
    assert_ne!(ids[0], ids[1]);

    // The same patient, with the path spelled differently.
    let patient_id = api.create_patient().await;
    let create = async |path: String| {
        let call = api.call("POST", &path).header("Idempotency-Key", "k-1");
        call.json(&medical_test()).expect(201).await
    };
    let first = create(format!("patient/{patient_id}/tests")).await;
    let second = create(format!("Patient/{}/tests/", patient_id.to_uppercase())).await;
    assert_eq!(second.header("Idempotency-Replayed"), Some("true"));
    assert_eq!(second.body, first.body);
}

#[tokio::test]
async fn optional_fields_may_be_missing() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let observation =
        json!({"id": "1", "code": "4548-4", "status": "final", "issued": "2020-05-14"});
    let body = medical_test_with("observations", json!([observation]));

    let call = api.call("POST", &format!("patient/{patient_id}/tests")).json(&body);
    let created = call.expect(201).await;

    assert_eq!(created.body["observations"], json!([observation]));
    let path = format!("patient/{patient_id}/tests/{}", created.body["id"].as_str().unwrap());
    let loaded = api.call("GET", &path).expect(200).await;
    assert_eq!(loaded.body, created.body);
}

#[tokio::test]
async fn a_replay_after_deletion_is_gone() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let path = format!("patient/{patient_id}/tests");
    let call = || api.call("POST", &path).header("Idempotency-Key", "k-1").json(&medical_test());
    let id = call().expect(201).await.body["id"].as_str().unwrap().to_owned();
    api.call("DELETE", &format!("{path}/{id}")).expect(204).await;

    assert_eq!(call().expect(410).await.problem(), "deleted");
}
