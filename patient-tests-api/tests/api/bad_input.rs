//! What clients get wrong beside the fields of a body: refused as their mistake, before anything
//! is touched.

use emulator::test_app::Call;
use serde_json::json;

use crate::every_function::{Stocked, assert_discloses_nothing};
use crate::helpers::{PatientTestsApi, medical_test, patient, unknown_id};

const MEBIBYTE: usize = 1 << 20;

impl Stocked {
    /// One request to each function that takes a body, and the body.
    fn with_bodies(&self) -> Vec<(Call, String)> {
        let Self { api, patient_id, test_id } = self;
        let patient_path = format!("patient/{patient_id}");
        let mut replacement = patient();
        replacement["id"] = json!(patient_id);
        let mut test_replacement = medical_test();
        test_replacement["id"] = json!(test_id);
        vec![
            (api.call("POST", "patient"), patient().to_string()),
            (api.call("PUT", &patient_path), replacement.to_string()),
            (api.call("POST", "patient/search"), json!({}).to_string()),
            (api.call("POST", &format!("{patient_path}/tests")), medical_test().to_string()),
            (
                api.call("PUT", &format!("{patient_path}/tests/{test_id}")),
                test_replacement.to_string(),
            ),
        ]
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let stocked = Stocked::start().await;
    let before = stocked.api.traces().await;
    let nested = "[".repeat(100_000);

    for body in ["{", "{'a': 1}", "null null", "\u{feff}", "\"\\ud800\"", "NaN", nested.as_str()] {
        for (call, _) in stocked.with_bodies() {
            let refused = call.bytes(body).expect(400).await;

            assert_eq!(refused.problem(), "invalid-request");
            let detail = refused.body["detail"].as_str().unwrap();
            assert!(detail.starts_with("The body is not JSON (line 1, column "), "{detail}");
        }
    }
    assert_eq!(stocked.api.traces().await, before);
}

#[tokio::test]
async fn a_missing_body_is_refused_and_the_reason_named() {
    let stocked = Stocked::start().await;
    let before = stocked.api.traces().await;

    for (call, _) in stocked.with_bodies() {
        let refused = call.expect(400).await;
        assert_eq!(refused.problem(), "invalid-request");
        assert_eq!(refused.body["detail"], "The body is missing.");
    }
    for (call, body) in stocked.with_bodies() {
        let refused = call.in_chunks(&body).expect(400).await;
        assert_eq!(refused.problem(), "invalid-request");
        assert_eq!(
            refused.body["detail"],
            "The body is missing: it came in chunks, without a Content-Length, and was dropped \
             on the way."
        );
    }
    assert_eq!(stocked.api.traces().await, before);
}

#[tokio::test]
async fn a_body_of_one_mebibyte_is_the_largest() {
    let stocked = Stocked::start().await;
    let before = stocked.api.traces().await;

    for (call, body) in stocked.with_bodies() {
        let length = body.len();
        let refused = call.bytes(body + &" ".repeat(MEBIBYTE + 1 - length)).expect(413).await;

        assert_eq!(refused.problem(), "too-large");
        assert_discloses_nothing(&refused);
    }
    let huge = stocked.api.call("POST", "patient").bytes(vec![b' '; 25 * MEBIBYTE]);
    assert_eq!(huge.expect(413).await.problem(), "too-large");
    assert_eq!(stocked.api.traces().await, before);

    for (call, body) in stocked.with_bodies() {
        let length = body.len();
        let accepted = call.bytes(body + &" ".repeat(MEBIBYTE - length)).send().await;

        assert!(matches!(accepted.status, 200 | 201), "{accepted:#?}");
    }
}

#[tokio::test]
async fn a_binary_or_compressed_body_is_of_an_unsupported_type() {
    let stocked = Stocked::start().await;
    let before = stocked.api.traces().await;

    for (name, value) in [
        ("Content-Type", "application/octet-stream"),
        ("Content-Type", "multipart/form-data; boundary=x"),
        ("Content-Type", "image/png"),
        ("Content-Type", "application/zip"),
        ("Content-Encoding", "gzip"),
    ] {
        for (call, body) in stocked.with_bodies() {
            let refused = call.header(name, value).bytes(body).expect(415).await;

            assert_eq!(refused.problem(), "unsupported-media-type", "{value}");
            assert_discloses_nothing(&refused);
        }
    }
    assert_eq!(stocked.api.traces().await, before);
}

#[tokio::test]
async fn a_body_is_json_whatever_text_it_claims_to_be() {
    let stocked = Stocked::start().await;

    for media_type in ["text/plain", "application/xml", "application/x-www-form-urlencoded", "?"] {
        for (call, body) in stocked.with_bodies() {
            let accepted = call.header("Content-Type", media_type).bytes(body).send().await;

            assert!(matches!(accepted.status, 200 | 201), "{media_type} {accepted:#?}");
        }
    }
}

#[tokio::test]
async fn a_header_that_makes_no_sense_is_refused() {
    let stocked = Stocked::start().await;
    let Stocked { api, patient_id, test_id } = &stocked;
    let before = api.traces().await;
    let patient_path = format!("patient/{patient_id}");
    let test_path = format!("patient/{patient_id}/tests/{test_id}");
    let long = "k".repeat(256);
    let mut replacement = patient();
    replacement["id"] = json!(patient_id);

    let mut refusals = Vec::new();
    for value in ["", "1", "\"1", "\"1\" \"2\"", "w/\"1\""] {
        for path in [&patient_path, &test_path] {
            refusals.push(api.call("GET", path).header("If-None-Match", value));
            refusals.push(api.call("DELETE", path).header("If-Match", value));
        }
        refusals.push(api.call("PUT", &patient_path).header("If-Match", value).json(&replacement));
    }
    for value in ["", "two words", long.as_str(), "schlüssel"] {
        let call = api.call("POST", "patient").header("Idempotency-Key", value);
        refusals.push(call.json(&patient()));
        let call = api.call("POST", &format!("{patient_path}/tests"));
        refusals.push(call.header("Idempotency-Key", value).json(&medical_test()));
    }
    for call in refusals {
        let refused = call.expect(400).await;

        assert_eq!(refused.problem(), "invalid-request");
        assert!(
            refused.body["detail"].as_str().unwrap().starts_with("The header I"),
            "{refused:?}"
        );
        assert_discloses_nothing(&refused);
    }
    assert_eq!(api.traces().await, before);
}

#[tokio::test]
async fn a_page_that_cannot_be_is_refused() {
    let stocked = Stocked::start().await;
    let Stocked { api, patient_id, .. } = &stocked;
    let before = api.traces().await;

    for query in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=%2B5",
        "limit=ten",
        "limit=",
        "limit=1&limit=2",
        "limit=99999999999999999999",
        "cursor=",
        "cursor=42",
        "cursor=%24ne",
        "limit=1&cursor=0190a6b2-1111-7abc-8def-0123456789ag",
    ] {
        for call in [
            api.call("POST", &format!("patient/search?{query}")).json(&json!({})),
            api.call("GET", &format!("patient/{patient_id}/tests?{query}")),
        ] {
            let refused = call.expect(400).await;

            assert_eq!(refused.problem(), "invalid-request", "{query}");
            let detail = refused.body["detail"].as_str().unwrap();
            assert!(detail.starts_with("The query parameter "), "{query} {detail}");
            assert_discloses_nothing(&refused);
        }
    }
    assert_eq!(api.traces().await, before);
}

#[tokio::test]
async fn nothing_is_stored_under_an_id_that_is_none() {
    let stocked = Stocked::start().await;
    let Stocked { api, patient_id, test_id } = &stocked;
    let before = api.traces().await;
    let unhyphenated = patient_id.replace('-', "");
    let braced = format!("%7B{patient_id}%7D");
    let longer = format!("{patient_id}0");

    for id in ["42", "%00", "a%2Fb", "..%2Fpatient", "%24ne", &unhyphenated, &braced, &longer] {
        for (method, path) in [
            ("GET", format!("patient/{id}")),
            ("PUT", format!("patient/{id}")),
            ("DELETE", format!("patient/{id}")),
            ("GET", format!("patient/{id}/tests")),
            ("GET", format!("patient/{id}/tests/{test_id}")),
            ("GET", format!("patient/{patient_id}/tests/{id}")),
            ("PUT", format!("patient/{patient_id}/tests/{id}")),
            ("DELETE", format!("patient/{patient_id}/tests/{id}")),
        ] {
            let missing = api.call(method, &path).expect(404).await;

            assert_eq!(missing.problem(), "not-found", "{method} {path}");
            assert_discloses_nothing(&missing);
        }
        let call = api.call("POST", &format!("patient/{id}/tests")).json(&medical_test());
        assert_eq!(call.expect(400).await.problem(), "invalid-request");
    }
    assert_eq!(api.traces().await, before);
}

#[tokio::test]
async fn no_problem_repeats_what_was_sent() {
    let api = PatientTestsApi::start().await;
    let id = unknown_id();
    let canary = "canary-4711";
    let mut body = patient();
    for field in ["firstName", "gender", "dateOfBirth", "postCode"] {
        body[field] = json!(canary.repeat(8));
    }

    for (status, call) in [
        (400, api.call("POST", "patient").json(&body)),
        (400, api.call("POST", "patient").bytes(format!("{{\"{canary}"))),
        (400, api.call("POST", "patient/search?cursor=canary-4711").json(&json!({}))),
        (400, api.call("DELETE", &format!("patient/{id}")).header("If-Match", canary)),
        (400, api.call("POST", "patient").header("Idempotency-Key", "canary-4711 ").json(&body)),
        (404, api.call("GET", "patient/canary-4711?canary-4711=canary-4711")),
        (415, api.call("POST", "patient").header("Content-Type", "image/canary-4711").json(&body)),
    ] {
        let refused = call.expect(status).await;

        refused.problem();
        assert!(!refused.text.contains(canary), "{refused:#?}");
    }
    assert_eq!(api.traces().await, (vec![], 0));
}
