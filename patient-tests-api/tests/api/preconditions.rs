//! `If-Match` and `If-None-Match`, which apply to every method.

use serde_json::json;
use stand_ins::test_app::Call;

use crate::every_function::{Stocked, assert_discloses_nothing};
use crate::helpers::{medical_test, medical_test_with, patient, patient_with};

/// One request on one record for each method.
fn of_records(stocked: &Stocked) -> Vec<(&'static str, Call)> {
    let Stocked { api, patient_id, test_id } = stocked;
    let patient_path = format!("patient/{patient_id}");
    let test_path = format!("{patient_path}/tests/{test_id}");
    let replaced_patient = patient_with("id", json!(patient_id));
    let replaced_test = medical_test_with("id", json!(test_id));
    vec![
        ("GET", api.call("GET", &patient_path)),
        ("HEAD", api.call("HEAD", &patient_path)),
        ("PUT", api.call("PUT", &patient_path).json(&replaced_patient)),
        ("DELETE", api.call("DELETE", &patient_path)),
        ("GET", api.call("GET", &test_path)),
        ("HEAD", api.call("HEAD", &test_path)),
        ("PUT", api.call("PUT", &test_path).json(&replaced_test)),
        ("DELETE", api.call("DELETE", &test_path)),
    ]
}

#[tokio::test]
async fn an_if_match_that_does_not_hold_is_412_on_every_method() {
    let stocked = Stocked::start().await;
    let before = stocked.api.documents().await;

    for tag in ["\"7\"", "W/\"1\"", "\"01\""] {
        for (method, call) in of_records(&stocked) {
            let recorded = stocked.api.audit.records().len();
            let refused = call.header("If-Match", tag).expect(412).await;

            assert_eq!(refused.header("ETag"), Some("\"1\""), "{method} {tag}");
            assert_discloses_nothing(&refused);
            if method != "HEAD" {
                assert_eq!(refused.problem(), "version-mismatch");
            }
            let outcomes = stocked.api.outcomes_since(recorded);
            assert_eq!(outcomes.last().map(String::as_str), Some("refused"), "{method} {tag}");
        }
    }
    assert_eq!(stocked.api.documents().await, before);
}

#[tokio::test]
async fn an_if_none_match_that_names_the_version_is_304_for_reads_and_412_for_writes() {
    let stocked = Stocked::start().await;
    let before = stocked.api.documents().await;

    for tag in ["*", "\"1\"", "W/\"1\"", "\"7\", \"1\""] {
        for (method, call) in of_records(&stocked) {
            let status = if matches!(method, "GET" | "HEAD") { 304 } else { 412 };
            let response = call.header("If-None-Match", tag).expect(status).await;

            assert_eq!(response.header("ETag"), Some("\"1\""), "{method} {tag}");
            assert_discloses_nothing(&response);
        }
    }
    assert_eq!(stocked.api.documents().await, before);
}

#[tokio::test]
async fn if_match_is_evaluated_before_if_none_match() {
    let stocked = Stocked::start().await;

    for (_, call) in of_records(&stocked) {
        call.header("If-Match", "\"7\"").header("If-None-Match", "\"1\"").expect(412).await;
    }
}

#[tokio::test]
async fn preconditions_that_hold_change_nothing() {
    let stocked = Stocked::start().await;
    let mut calls = of_records(&stocked);
    // Deleting the patient too would hide the test.
    let (_, delete_patient) = calls.remove(3);
    calls.push(("DELETE", delete_patient));

    let version = |method: &str| if method == "PUT" { "\"2\"" } else { "\"1\"" };
    for (method, call) in calls {
        let response = call.header("If-Match", "*").header("If-None-Match", "\"7\"").send().await;

        let expected = if method == "DELETE" { 204 } else { 200 };
        assert_eq!(response.status, expected, "{method} {response:#?}");
        if method != "DELETE" {
            assert_eq!(response.header("ETag"), Some(version(method)), "{method}");
        }
    }
}

#[tokio::test]
async fn a_repeated_delete_succeeds_despite_preconditions() {
    let stocked = Stocked::start().await;
    let path = format!("patient/{}", stocked.patient_id);
    stocked.api.call("DELETE", &path).expect(204).await;

    for (name, value) in [("If-Match", "\"1\""), ("If-None-Match", "*")] {
        stocked.api.call("DELETE", &path).header(name, value).expect(204).await;
    }
}

#[tokio::test]
async fn a_resource_without_a_version_matches_no_if_match() {
    let stocked = Stocked::start().await;
    let Stocked { api, patient_id, .. } = &stocked;
    let before = api.side_effects().await;
    let tests = format!("patient/{patient_id}/tests");

    for tag in ["*", "\"1\""] {
        for call in [
            api.call("POST", "patient").json(&patient()),
            api.call("POST", &tests).json(&medical_test()),
            api.call("POST", "patient/search").json(&json!({})),
            api.call("GET", &tests),
            api.call("GET", "health"),
        ] {
            let refused = call.header("If-Match", tag).expect(412).await;

            assert_eq!(refused.problem(), "version-mismatch");
            assert_eq!(refused.header("ETag"), None);
        }
    }
    assert_eq!(api.side_effects().await, before);

    let created = api.call("POST", "patient").header("If-None-Match", "*").json(&patient());
    created.expect(201).await;
}
