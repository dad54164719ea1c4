//! A patient with a test, and a request of each kind on them.

use serde_json::{Value, json};
use stand_ins::test_app::{Call, Response};

use crate::canaries::{fields, texts};
use crate::helpers::{PatientTestsApi, medical_test, medical_test_with, patient, patient_with};

/// Values of the patient and the test that also occur elsewhere: words of the contract, and texts
/// that can be part of an id.
const COMMONPLACE: [&str; 5] = ["female", "2000", "1", "2", "high"];

/// An app with one patient and one test.
pub struct Stocked {
    pub api: PatientTestsApi,
    pub patient_id: String,
    pub test_id: String,
}

impl Stocked {
    pub async fn start() -> Self {
        Self::fill(PatientTestsApi::start().await).await
    }

    /// Creates the app's patient, with the idempotency key `stock`, and its test.
    pub async fn fill(api: PatientTestsApi) -> Self {
        let call = api.call("POST", "patient").header("Idempotency-Key", "stock");
        let created = call.json(&patient()).expect(201).await;
        let patient_id = created.body["id"].as_str().expect("an id").to_owned();
        let test_id = api.create_test(&patient_id).await;
        Self { api, patient_id, test_id }
    }

    /// One request of each kind.
    pub fn calls(&self) -> Vec<Call> {
        self.writes().into_iter().chain(self.reads()).collect()
    }

    /// One request of each kind that writes.
    pub fn writes(&self) -> Vec<Call> {
        let Self { api, patient_id, test_id } = self;
        let patient_path = format!("patient/{patient_id}");
        let tests_path = format!("{patient_path}/tests");
        let test_path = format!("{tests_path}/{test_id}");
        vec![
            api.call("POST", "patient").json(&patient()),
            api.call("PUT", &patient_path).json(&patient_with("id", json!(patient_id))),
            api.call("DELETE", &patient_path),
            api.call("POST", &format!("{patient_path}/restore")).json(&json!({"version": 1})),
            api.call("POST", &tests_path).json(&medical_test()),
            api.call("PUT", &test_path).json(&medical_test_with("id", json!(test_id))),
            api.call("DELETE", &test_path),
            api.call("POST", &format!("{test_path}/restore")).json(&json!({"version": 1})),
        ]
    }

    /// One request of each kind that reads, including a repeated create.
    pub fn reads(&self) -> Vec<Call> {
        let Self { api, patient_id, test_id } = self;
        let tests_path = format!("patient/{patient_id}/tests");
        vec![
            api.call("GET", &format!("patient/{patient_id}")),
            api.call("GET", &format!("patient/{patient_id}")).header("If-None-Match", "\"1\""),
            api.call("GET", &tests_path),
            api.call("GET", &format!("{tests_path}/{test_id}")),
            api.call("GET", &format!("patient/{patient_id}/history")),
            api.call("GET", &format!("patient/{patient_id}/history/1")),
            api.call("GET", &format!("{tests_path}/{test_id}/history")),
            api.call("GET", &format!("{tests_path}/{test_id}/history/1")),
            api.call("POST", "patient/search").json(&json!({})),
            api.call("POST", "patient").header("Idempotency-Key", "stock").json(&patient()),
        ]
    }
}

#[test]
fn the_patient_and_the_test_have_every_field_that_a_client_can_send() {
    let names = |body: &Value| body.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut of_test = fields("NewTest");
    // It identifies a record and is in the path.
    of_test.retain(|name| name != "patientId");

    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names
    };
    assert_eq!(sorted(names(&patient())), sorted(fields("NewPatient")));
    assert_eq!(sorted(names(&medical_test())), sorted(of_test));
    for observation in medical_test()["observations"].as_array().unwrap() {
        assert_eq!(sorted(names(observation)), sorted(fields("Observation")));
    }
}

/// Asserts that a response contains no data of the patient or the test.
pub fn assert_discloses_nothing(response: &Response) {
    let values = texts(&json!([patient(), medical_test()]));
    for secret in values.iter().filter(|value| !COMMONPLACE.contains(&value.as_str())) {
        assert!(!response.text.contains(secret), "{secret}: {response:#?}");
    }
}

/// Asserts that a response says that a write may have happened.
pub fn assert_unconfirmed(response: &Response) {
    assert_eq!(
        (response.status, response.header("Retry-After")),
        (503, Some("5")),
        "{response:#?}"
    );
    assert_eq!(response.problem(), "unavailable");
    assert_eq!(
        response.body["detail"],
        "The database did not confirm the change in time; it may have happened. Load the record \
         before you try again."
    );
    assert_discloses_nothing(response);
}

/// Asserts that a response is 503, names the dependency, and discloses nothing.
pub fn assert_unavailable(response: &Response, what: &str) {
    assert_eq!(response.status, 503, "{response:#?}");
    assert_eq!(response.problem(), "unavailable");
    assert_eq!(response.header("Retry-After"), Some("5"));
    assert_eq!(
        response.body["detail"],
        format!("{what} cannot be reached in time; try again later.")
    );
    assert_discloses_nothing(response);
}
