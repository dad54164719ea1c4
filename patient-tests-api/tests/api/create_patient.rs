//! `CreatePatient`, POST patient

use mongodb::bson::doc;
use serde_json::json;

use crate::helpers::{PatientTestsApi, patient, patient_with};

#[tokio::test]
async fn a_patient_is_stored_and_returned_with_id_and_version() {
    let api = PatientTestsApi::start().await;

    let created = api.call("POST", "patient").json(&patient()).expect(201).await;

    let id = created.body["id"].as_str().unwrap();
    assert_eq!(created.header("ETag"), Some("\"1\""));
    assert_eq!(created.header("Location"), Some(format!("patient/{id}").as_str()));
    assert_eq!(created.header("Content-Type"), Some("application/json; charset=utf-8"));
    let mut expected = patient();
    expected["id"] = json!(id);
    expected["lastUpdated"] = created.body["lastUpdated"].clone();
    assert_eq!(created.body, expected);
    let loaded = api.call("GET", &format!("patient/{id}")).expect(200).await;
    assert_eq!(loaded.body, created.body);
}

#[tokio::test]
async fn the_document_names_the_record_that_announced_it() {
    let api = PatientTestsApi::start().await;

    let id = api.create_patient().await;

    let document = api.patients().find_one(doc! {}).await.unwrap().unwrap();
    let [record] = &api.audit.records()[..] else { panic!("one record") };
    assert_eq!(document.get_str("_id").unwrap(), id.as_str());
    assert_eq!(document.get_str("_shardKey").unwrap(), id.as_str());
    assert_eq!(document.get_str("id").unwrap(), id.as_str());
    assert_eq!(document.get_str("_auditId").unwrap(), record.id.as_str());
    assert_eq!(document.get_i64("_version").unwrap(), 1);
    assert_eq!(document.get_str("_requestHash").unwrap().len(), 64);
    assert!(document.get_datetime("lastUpdated").is_ok());
    assert_eq!(
        document.get_datetime("_dateOfBirthDate").unwrap().try_to_rfc3339_string().unwrap(),
        "1980-12-10T00:00:00Z"
    );
}

#[tokio::test]
async fn the_intent_is_recorded_with_actor_and_trace() {
    let api = PatientTestsApi::start().await;

    let created = api
        .call("POST", "patient")
        .header("X-Caller-Subscription", "clinic-7")
        .header("X-Caller-Organisation", "Clinic 7")
        .header("X-Caller-User", "nurse-1")
        .header("X-Caller-Client", "ward-app")
        .header("X-Purpose-Of-Use", "TREAT")
        .header("X-Caller-Address", "203.0.113.9")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .json(&patient())
        .expect(201)
        .await;

    let [record] = &api.audit.records()[..] else { panic!("one record") };
    assert_eq!(
        record.body,
        json!({
            "sourceSystemName": "PatientTestsApi",
            "resource": {
                "type": "patient", "operation": "create", "id": created.body["id"],
                "patientId": created.body["id"]
            },
            "outcome": "intended",
            "actor": {
                "keyName": "tests",
                "subscriptionId": "clinic-7",
                "organisation": "Clinic 7",
                "userId": "nurse-1",
                "clientId": "ward-app",
                "clientAddress": "203.0.113.9"
            },
            "purpose": "TREAT",
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736"
        })
    );
    let traceparent = record.traceparent.as_deref().unwrap();
    assert!(traceparent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{traceparent}");
    assert!(record.idempotency_key.is_some());
}

#[tokio::test]
async fn every_wrong_field_is_listed_and_nothing_is_stored_or_recorded() {
    let api = PatientTestsApi::start().await;
    let long = "x".repeat(65);
    let refusals = [
        (json!({}), vec!["/firstName", "/gender", "/dateOfBirth", "/postCode"]),
        (json!([]), vec![""]),
        (json!(null), vec![""]),
        (patient_with("firstName", json!("")), vec!["/firstName"]),
        (patient_with("firstName", json!(long)), vec!["/firstName"]),
        (patient_with("firstName", json!(null)), vec!["/firstName"]),
        (patient_with("lastName", json!(long)), vec!["/lastName"]),
        (patient_with("fullName", json!("x".repeat(129))), vec!["/fullName"]),
        (patient_with("gender", json!("Female")), vec!["/gender"]),
        (patient_with("dateOfBirth", json!("2019-02-29")), vec!["/dateOfBirth"]),
        (patient_with("dateOfBirth", json!("9999")), vec!["/dateOfBirth"]),
        (patient_with("postCode", json!("200")), vec!["/postCode"]),
        (patient_with("postCode", json!(2000)), vec!["/postCode"]),
        (patient_with("insuranceNumber", json!(long)), vec!["/insuranceNumber"]),
        (patient_with("preferredContactNumber", json!("")), vec!["/preferredContactNumber"]),
        (patient_with("id", json!("0190a6b2-1111-7abc-8def-0123456789ab")), vec!["/id"]),
        (patient_with("lastUpdated", json!("2020-01-01T00:00:00Z")), vec!["/lastUpdated"]),
        (patient_with("createdDate", json!("2020-01-01T00:00:00Z")), vec!["/createdDate"]),
        (patient_with("_version", json!(1)), vec!["/_version"]),
    ];

    for (body, pointers) in refusals {
        let refused = api.call("POST", "patient").json(&body).expect(400).await;

        assert_eq!(refused.problem(), "invalid-request");
        let named: Vec<_> =
            refused.wrong_fields().into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(named, pointers, "{body}");
    }
    assert_eq!(api.documents_stored().await, 0);
    assert_eq!(api.audit.calls(), 0);
}

#[tokio::test]
async fn optional_fields_may_be_absent_or_null() {
    let api = PatientTestsApi::start().await;
    let body = json!({
        "firstName": "Bo", "lastName": null, "gender": "unknown", "dateOfBirth": "1980", "postCode": "0000"
    });

    let created = api.call("POST", "patient").json(&body).expect(201).await;

    assert!(created.body.get("lastName").is_none());
    assert!(created.body.get("fullName").is_none());
}

#[tokio::test]
async fn a_repeated_request_creates_one_patient_and_is_marked_as_replayed() {
    let api = PatientTestsApi::start().await;
    let send = async || {
        let call = api.call("POST", "patient").header("Idempotency-Key", "k-1");
        call.json(&patient()).expect(201).await
    };

    let (first, second) = (send().await, send().await);

    assert_eq!(first.header("Idempotency-Replayed"), None);
    assert_eq!(second.header("Idempotency-Replayed"), Some("true"));
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("Location"), second.header("Location"));
    assert_eq!(api.documents_stored().await, 1);
}

#[tokio::test]
async fn a_replay_returns_data_and_is_recorded_as_a_disclosure() {
    let api = PatientTestsApi::start().await;
    let call = || api.call("POST", "patient").header("Idempotency-Key", "k-1").json(&patient());
    let id = call().expect(201).await.body["id"].clone();

    call().expect(201).await;

    let records = api.records_since(1);
    let [intent, release] = &records[..] else { panic!("{records:?}") };
    assert_eq!(intent.body["outcome"], "intended");
    assert_eq!(release.body["outcome"], "succeeded");
    assert_eq!(release.body["relatesTo"], intent.id);
    assert_eq!(release.body["resource"]["disclosed"], json!([id]));
}

#[tokio::test]
async fn an_idempotency_key_with_other_content_is_refused() {
    let api = PatientTestsApi::start().await;
    let call = |body| api.call("POST", "patient").header("Idempotency-Key", "k-1").json(&body);
    call(patient()).expect(201).await;

    let refused = call(patient_with("postCode", json!("3000"))).expect(422).await;

    assert_eq!(refused.problem(), "idempotency-key-reused");
    assert_eq!(api.documents_stored().await, 1);
    let records = api.records_since(1);
    assert_eq!(records[1].body["outcome"], "refused");
    assert_eq!(records[1].body["relatesTo"], records[0].id);
}

#[tokio::test]
async fn idempotency_keys_of_different_subscriptions_are_independent() {
    let api = PatientTestsApi::start().await;
    let create = async |subscription| {
        let call = api.call("POST", "patient").header("Idempotency-Key", "k-1");
        call.header("X-Caller-Subscription", subscription).json(&patient()).expect(201).await
    };

    assert_ne!(create("a").await.body["id"], create("b").await.body["id"]);
    assert_eq!(api.documents_stored().await, 2);
}

#[tokio::test]
async fn a_replay_after_deletion_is_gone() {
    let api = PatientTestsApi::start().await;
    let call = || api.call("POST", "patient").header("Idempotency-Key", "k-1").json(&patient());
    let id = call().expect(201).await.body["id"].as_str().unwrap().to_owned();
    api.call("DELETE", &format!("patient/{id}")).expect(204).await;

    assert_eq!(call().expect(410).await.problem(), "deleted");
}

#[tokio::test]
async fn many_equal_concurrent_requests_create_one_patient() {
    let api = PatientTestsApi::start().await;
    let call = || api.call("POST", "patient").header("Idempotency-Key", "k-1").json(&patient());

    let (a, b, c, d) = tokio::join!(call().send(), call().send(), call().send(), call().send());

    let responses = [a, b, c, d];
    assert!(responses.iter().all(|response| response.status == 201), "{responses:#?}");
    let new = responses.iter().filter(|response| response.header("Idempotency-Replayed").is_none());
    assert_eq!(new.count(), 1);
    assert_eq!(api.documents_stored().await, 1);
}
