//! `LoadTest`, GET patient/{patientId}/tests/{testId?}

use serde_json::json;

use crate::helpers::{PatientTestsApi, medical_test, unknown_id};

#[tokio::test]
async fn a_test_is_returned_as_it_was_sent() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;

    let path = format!("patient/{patient_id}/tests/{id}");
    let loaded = api.call("GET", &path).expect(200).await;

    assert_eq!(loaded.header("ETag"), Some("\"1\""));
    let mut expected = medical_test();
    expected["id"] = json!(id);
    expected["patientId"] = json!(patient_id);
    expected["lastUpdated"] = loaded.body["lastUpdated"].clone();
    assert_eq!(loaded.body, expected);
    let [record] = &api.records_since(2)[..] else { panic!("one more record") };
    assert_eq!(record.body["outcome"], "succeeded");
    assert_eq!(
        record.body["resource"],
        json!({
            "type": "test", "operation": "read", "id": id, "patientId": patient_id, "version": 1,
            "disclosed": [id]
        })
    );
}

#[tokio::test]
async fn a_client_with_the_current_version_gets_304() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;

    let call = api.call("GET", &format!("patient/{patient_id}/tests/{id}"));
    let unchanged = call.header("If-None-Match", "\"1\"").expect(304).await;

    assert_eq!(unchanged.text, "");
    assert_eq!(unchanged.header("ETag"), Some("\"1\""));
    assert_eq!(api.records_since(2)[0].body["resource"]["disclosed"], json!([]));
}

#[tokio::test]
async fn a_list_of_any_length_is_an_array() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let other_patient_id = api.create_patient().await;
    api.create_test(&other_patient_id).await;
    for path in [format!("patient/{patient_id}/tests"), format!("patient/{patient_id}/tests/")] {
        assert_eq!(api.call("GET", &path).expect(200).await.text, "[]");
    }
    let id = api.create_test(&patient_id).await;
    let recorded = api.audit.records().len();

    let path = format!("patient/{patient_id}/tests");
    let listed = api.call("GET", &path).expect(200).await;

    let one = api.call("GET", &format!("{path}/{id}")).expect(200).await;
    assert_eq!(listed.body, json!([one.body]));
    assert_eq!(listed.header("Link"), None);
    assert_eq!(
        api.records_since(recorded)[0].body["resource"],
        json!({"type": "test", "operation": "read", "patientId": patient_id, "disclosed": [id]})
    );
}

#[tokio::test]
async fn pages_lead_through_all_tests_once_and_in_order() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(api.create_test(&patient_id).await);
    }
    all.sort_unstable();
    let path = format!("patient/{patient_id}/tests");

    let first = api.call("GET", &format!("{path}?limit=2")).expect(200).await;
    let link = first.header("Link").unwrap();
    assert_eq!(link, format!("<?cursor={}&limit=2>; rel=\"next\"", all[1]));
    let next = first.next_page().unwrap();
    let second = api.call("GET", &format!("{path}{next}")).expect(200).await;

    let ids: Vec<_> = [&first, &second]
        .iter()
        .flat_map(|page| page.body.as_array().unwrap())
        .map(|test| test["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, all);
    assert_eq!(second.header("Link"), None);
}

#[tokio::test]
async fn tests_that_are_not_there_are_not_found_and_that_is_recorded() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    let other_patient_id = api.create_patient().await;
    let recorded = api.audit.records().len();

    for path in [
        format!("patient/{patient_id}/tests/{}", unknown_id()),
        format!("patient/{other_patient_id}/tests/{id}"),
        format!("patient/{}/tests/{id}", unknown_id()),
        format!("patient/{}/tests", unknown_id()),
    ] {
        let missing = api.call("GET", &path).expect(404).await;

        assert_eq!(missing.problem(), "not-found", "{path}");
    }
    assert_eq!(api.outcomes_since(recorded), ["notFound"; 4]);
}

#[tokio::test]
async fn a_deleted_test_is_gone_and_not_in_the_list() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let id = api.create_test(&patient_id).await;
    let other_id = api.create_test(&patient_id).await;
    let path = format!("patient/{patient_id}/tests");
    api.call("DELETE", &format!("{path}/{id}")).expect(204).await;

    let gone = api.call("GET", &format!("{path}/{id}")).expect(410).await;
    let listed = api.call("GET", &path).expect(200).await;

    assert_eq!(gone.problem(), "deleted");
    assert!(!gone.text.contains("Laboratory"), "{}", gone.text);
    assert_eq!(listed.body.as_array().unwrap().len(), 1);
    assert_eq!(listed.body[0]["id"], json!(other_id));
    assert_eq!(api.outcomes_since(4), ["refused", "succeeded"]);
}
