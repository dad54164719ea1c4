//! `UpdatePatient`, PUT patient/{patientId}

use mongodb::bson::doc;
use serde_json::json;

use crate::helpers::{PatientTestsApi, changed, patient_with, unknown_id};

#[tokio::test]
async fn a_patient_is_replaced_and_has_the_next_version() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    // The full name is not sent and must not be kept.
    let body = json!({
        "id": id, "firstName": "Augusta", "gender": "female", "dateOfBirth": "1815-12", "postCode": "3000"
    });

    let updated = api.call("PUT", &format!("patient/{id}")).json(&body).expect(200).await;

    assert_eq!(updated.header("ETag"), Some("\"2\""));
    let mut expected = body;
    expected["lastUpdated"] = updated.body["lastUpdated"].clone();
    assert_eq!(updated.body, expected);
    let loaded = api.load_patient(&id).await;
    assert_eq!((loaded.header("ETag"), &loaded.body), (Some("\"2\""), &updated.body));
}

#[tokio::test]
async fn the_document_names_the_record_that_announced_the_new_version() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let loaded = api.load_patient(&id).await;
    let body = changed(&loaded, "dateOfBirth", json!("1981"));

    api.call("PUT", &format!("patient/{id}")).json(&body).expect(200).await;

    let document = api.patients().find_one(doc! {}).await.unwrap().unwrap();
    let [record] = &api.records_since(2)[..] else { panic!("one more record") };
    assert_eq!(document.get_str("_auditId").unwrap(), record.id.as_str());
    assert_eq!(document.get_i64("_version").unwrap(), 2);
    assert_eq!(document.get_str("_id").unwrap(), id.as_str());
    assert_eq!(document.get_str("_shardKey").unwrap(), id.as_str());
    assert_eq!(
        document.get_datetime("_dateOfBirthDate").unwrap().try_to_rfc3339_string().unwrap(),
        "1981-01-01T00:00:00Z"
    );
    assert_eq!(record.body["outcome"], "intended");
    assert_eq!(
        record.body["resource"],
        json!({"type": "patient", "operation": "update", "id": id, "patientId": id})
    );
}

#[tokio::test]
async fn a_loaded_record_can_be_sent_back_and_its_time_is_ignored() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let loaded = api.load_patient(&id).await;
    let body = changed(&loaded, "lastUpdated", json!({"any": "thing"}));

    let updated = api.call("PUT", &format!("patient/{id}")).json(&body).expect(200).await;

    assert!(updated.body["lastUpdated"].as_str() >= loaded.body["lastUpdated"].as_str());
    assert_eq!(updated.body["firstName"], "Ada");
}

#[tokio::test]
async fn the_id_in_the_body_may_differ_in_letter_case_alone() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let body = patient_with("id", json!(id.to_uppercase()));

    let updated = api.call("PUT", &format!("patient/{id}")).json(&body).expect(200).await;

    assert_eq!(updated.body["id"], json!(id));
}

#[tokio::test]
async fn an_expected_version_is_replaced() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;

    for (expected, next) in [("\"1\"", "\"2\""), ("\"1\", \"2\"", "\"3\""), ("*", "\"4\"")] {
        let call = api.call("PUT", &format!("patient/{id}")).header("If-Match", expected);
        let updated = call.json(&patient_with("id", json!(id))).expect(200).await;

        assert_eq!(updated.header("ETag"), Some(next));
    }
}

#[tokio::test]
async fn an_update_of_an_unexpected_version_is_refused_with_the_current_one() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let before = api.documents().await;
    for expected in ["\"2\"", "W/\"1\"", "\"01\"", "\"0\", \"7\""] {
        let recorded = api.audit.records().len();
        let body = changed(&api.load_patient(&id).await, "firstName", json!("Augusta"));
        let call = api.call("PUT", &format!("patient/{id}")).header("If-Match", expected);

        let refused = call.json(&body).expect(412).await;

        assert_eq!(refused.problem(), "version-mismatch");
        assert_eq!(refused.header("ETag"), Some("\"1\""), "{expected}");
        assert!(!refused.text.contains("Ada"), "{}", refused.text);
        let records = api.records_since(recorded + 1);
        let [intent, refusal] = &records[..] else { panic!("{records:?}") };
        assert_eq!(intent.body["outcome"], "intended");
        assert_eq!(refusal.body["outcome"], "refused");
        assert_eq!(refusal.body["relatesTo"], intent.id);
    }
    assert_eq!(api.documents().await, before);
}

#[tokio::test]
async fn an_unknown_patient_is_not_created() {
    let api = PatientTestsApi::start().await;
    let id = unknown_id();

    let call = api.call("PUT", &format!("patient/{id}")).json(&patient_with("id", json!(id)));

    assert_eq!(call.expect(404).await.problem(), "not-found");
    assert_eq!(api.documents_stored().await, 0);
    assert_eq!(api.outcomes_since(0), ["intended", "refused"]);
    assert_eq!(api.audit.records()[1].body["relatesTo"], api.audit.records()[0].id);
}

#[tokio::test]
async fn a_deleted_patient_is_not_revived() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    api.call("DELETE", &format!("patient/{id}")).expect(204).await;
    let before = api.documents().await;

    let call = api.call("PUT", &format!("patient/{id}")).json(&patient_with("id", json!(id)));

    assert_eq!(call.expect(410).await.problem(), "deleted");
    assert_eq!(api.documents().await, before);
    assert_eq!(api.outcomes_since(2), ["intended", "refused"]);
}

#[tokio::test]
async fn every_wrong_field_is_listed_and_nothing_is_changed_or_recorded() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let good = patient_with("id", json!(id));
    let with = |field: &str, value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let refusals = [
        (json!({}), vec!["/id", "/firstName", "/gender", "/dateOfBirth", "/postCode"]),
        (with("id", json!(null)), vec!["/id"]),
        (with("id", json!(unknown_id())), vec!["/id"]),
        (with("id", json!(7)), vec!["/id"]),
        (with("createdDate", json!("2020-01-01T00:00:00Z")), vec!["/createdDate"]),
        (with("_version", json!(1)), vec!["/_version"]),
        (with("gender", json!("none")), vec!["/gender"]),
    ];
    let before = api.side_effects().await;

    for (body, pointers) in refusals {
        let call = api.call("PUT", &format!("patient/{id}")).json(&body);
        let refused = call.expect(400).await;

        assert_eq!(refused.problem(), "invalid-request");
        let named: Vec<_> =
            refused.wrong_fields().into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(named, pointers, "{body}");
    }
    assert_eq!(api.side_effects().await, before);
}
