//! Invalid requests, apart from the fields of a body: refused before anything is stored or sent.

use serde_json::json;
use stand_ins::test_app::Call;

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
            (
                api.call("POST", &format!("{patient_path}/restore")),
                json!({"version": 1}).to_string(),
            ),
            (
                api.call("POST", &format!("{patient_path}/tests/{test_id}/restore")),
                json!({"version": 1}).to_string(),
            ),
        ]
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let stocked = Stocked::start().await;
    let before = stocked.api.side_effects().await;

    for body in ["{", "{'a': 1}", "null null", "\u{feff}", "\"\\ud800\"", "NaN"] {
        for (call, _) in stocked.with_bodies() {
            let refused = call.bytes(body).expect(400).await;

            assert_eq!(refused.problem(), "invalid-request");
            let detail = refused.body["detail"].as_str().unwrap();
            assert!(detail.starts_with("The body is not JSON (line 1, column "), "{detail}");
        }
    }
    assert_eq!(stocked.api.side_effects().await, before);
}

#[tokio::test]
async fn json_beyond_the_limits_is_refused_with_the_reason() {
    let stocked = Stocked::start().await;
    let before = stocked.api.side_effects().await;
    let rows = format!("[{}1]", "1,".repeat(900));

    for (body, detail) in [
        ("[".repeat(100_000), "The body is nested more than 32 levels deep."),
        (
            format!("{}1{}", "{\"a\":".repeat(127), "}".repeat(127)),
            "The body is nested more than 32 levels deep.",
        ),
        ("{\"firstName\": 1e400}".to_owned(), "The body has a number that is out of range."),
        (
            format!("[{}1]", format!("{rows},").repeat(10)),
            "The body has more values than any valid body can have.",
        ),
    ] {
        for (call, _) in stocked.with_bodies() {
            let refused = call.bytes(body.clone()).expect(400).await;

            assert_eq!(refused.problem(), "invalid-request");
            assert_eq!(refused.body["detail"], detail);
        }
    }
    assert_eq!(stocked.api.side_effects().await, before);
}

#[tokio::test]
async fn text_in_another_encoding_is_refused_and_not_stored_damaged() {
    let stocked = Stocked::start().await;
    let before = stocked.api.side_effects().await;

    for damaged in [&b"M\xfcller"[..], "M\u{fffd}ller".as_bytes(), b"\xed\xa0\x80"] {
        for (call, body) in stocked.with_bodies() {
            let body = body.trim_end_matches('}').as_bytes();
            let comma: &[u8] = if body == b"{" { b"" } else { b"," };
            let name = [&b"\"lastName\":\""[..], damaged, b"\"}"].concat();
            let refused = call.bytes([body, comma, &name].concat()).expect(400).await;

            assert_eq!(refused.problem(), "invalid-request");
            let detail = refused.body["detail"].as_str().unwrap();
            assert!(detail.starts_with("The body has bytes that are not UTF-8"), "{detail}");
        }
    }
    assert_eq!(stocked.api.side_effects().await, before);

    let escaped = patient().to_string().replace("Lovelace", "M\\ufffdller");
    let created = stocked.api.call("POST", "patient").bytes(escaped).expect(201).await;
    assert_eq!(created.body["lastName"], "M\u{fffd}ller");
}

#[tokio::test]
async fn a_duplicate_name_is_refused_at_any_depth() {
    let stocked = Stocked::start().await;
    let before = stocked.api.side_effects().await;

    for (addition, pointer) in [
        ("\"postCode\":\"6011\",\"postCode\":\"6012\"", "/postCode"),
        ("\"lastUpdated\":{\"a\":[{\"b\":1,\"b\":2}]}", "/lastUpdated/a/0/b"),
    ] {
        for (call, body) in stocked.with_bodies() {
            let body = body.trim_end_matches('}');
            let comma = if body == "{" { "" } else { "," };
            let refused = call.bytes(format!("{body}{comma}{addition}}}")).expect(400).await;

            assert_eq!(refused.problem(), "invalid-request");
            let wrong = refused.wrong_fields();
            assert!(wrong.contains(&(pointer, "occurs more than once")), "{wrong:?}");
        }
    }
    let observation =
        "{\"id\":\"1\",\"id\":\"2\",\"code\":\"c\",\"status\":\"s\",\"issued\":\"2020-01-01\"}";
    let body = format!(
        "{{\"performer\":\"L\",\"orderReference\":\"O\",\"observations\":[{observation}]}}"
    );
    let path = format!("patient/{}/tests", stocked.patient_id);
    let refused = stocked.api.call("POST", &path).bytes(body).expect(400).await;
    assert_eq!(refused.wrong_fields(), [("/observations/0/id", "occurs more than once")]);
    assert_eq!(stocked.api.side_effects().await, before);
}

#[tokio::test]
async fn at_most_a_hundred_field_errors_are_listed() {
    let stocked = Stocked::start().await;
    let before = stocked.api.side_effects().await;
    let unknown: Vec<_> = (0..90_000).map(|number| format!("\"u{number}\":1")).collect();
    let unknown = format!("{{{}}}", unknown.join(","));

    for (call, _) in stocked.with_bodies() {
        let refused = call.bytes(unknown.clone()).expect(400).await;

        assert_eq!(refused.wrong_fields().len(), 100);
        assert_eq!(
            refused.body["detail"],
            "More than 100 fields of the body are wrong; errors lists the first 100."
        );
    }
    let long = format!("{{\"{}\":1}}", "n".repeat(900_000));
    for (call, _) in stocked.with_bodies() {
        let refused = call.bytes(long.clone()).expect(400).await;

        assert!(refused.text.len() < 2000, "{}", refused.text.len());
        let named = format!("/{}", "n".repeat(128));
        assert!(refused.wrong_fields().iter().any(|(pointer, _)| *pointer == named));
    }
    assert_eq!(stocked.api.side_effects().await, before);
}

#[tokio::test]
async fn invisible_text_is_refused() {
    let stocked = Stocked::start().await;
    let before = stocked.api.side_effects().await;

    for text in [" ", "\u{200b}", "\0", "\u{202e}adA", "a\u{2066}b", "a\tb", "a\u{85}b", "\u{3164}"]
    {
        for field in ["firstName", "lastName", "fullName", "insuranceNumber"] {
            let mut body = patient();
            body[field] = json!(text);
            let refused = stocked.api.call("POST", "patient").json(&body).expect(400).await;
            assert_eq!(refused.wrong_fields().len(), 1, "{field} {text:?}");
            assert_eq!(refused.wrong_fields()[0].0, format!("/{field}"));

            let criteria = json!({field: text});
            let search = stocked.api.call("POST", "patient/search").json(&criteria);
            assert_eq!(search.expect(400).await.wrong_fields()[0].0, format!("/{field}"));
        }
    }
    let mut body = patient();
    body["postCode"] = json!("    ");
    let refused = stocked.api.call("POST", "patient").json(&body).expect(400).await;
    assert_eq!(refused.wrong_fields()[0].1, "must have a visible character");
    assert_eq!(stocked.api.side_effects().await, before);
}

#[tokio::test]
async fn unknown_query_parameters_are_refused_by_name() {
    let stocked = Stocked::start().await;
    let Stocked { api, patient_id, test_id } = &stocked;
    let before = api.side_effects().await;
    let patient_path = format!("patient/{patient_id}");
    let tests_path = format!("{patient_path}/tests");
    let test_path = format!("{tests_path}/{test_id}");
    let everywhere = [
        ("POST", "patient"),
        ("GET", &patient_path),
        ("HEAD", &patient_path),
        ("PUT", &patient_path),
        ("DELETE", &patient_path),
        ("POST", "patient/search"),
        ("POST", &tests_path),
        ("GET", &tests_path),
        ("GET", &test_path),
        ("PUT", &test_path),
        ("DELETE", &test_path),
        ("GET", "health"),
    ];

    for (query, detail) in [
        ("page=canary", "The query parameter \"page\" is unknown."),
        ("curser=canary", "The query parameter \"curser\" is unknown."),
        ("lastName=canary&code=", "The query parameter \"lastName\" is unknown."),
        ("flag", "The query parameter \"flag\" is unknown."),
        ("%C3%BC=canary", "The query parameter \"ü\" is unknown."),
    ] {
        for (method, path) in everywhere {
            let call = api.call(method, &format!("{path}?{query}"));
            let call = if matches!(method, "POST" | "PUT") { call.json(&json!({})) } else { call };
            let refused = call.expect(400).await;

            assert_discloses_nothing(&refused);
            if method != "HEAD" {
                assert_eq!(refused.problem(), "invalid-request");
                assert_eq!(refused.body["detail"], detail, "{method} {path}");
                assert!(!refused.text.contains("canary"), "{refused:#?}");
            }
        }
    }
    for (query, detail) in [
        ("limit=1&limit=2", "The query parameter \"limit\" is repeated."),
        ("limit=1&LIMIT=1", "The query parameter \"LIMIT\" is repeated."),
        ("cursor=", "The query parameter \"cursor\" is empty."),
    ] {
        for call in [
            api.call("POST", &format!("patient/search?{query}")).json(&json!({})),
            api.call("GET", &format!("{tests_path}?{query}")),
        ] {
            assert_eq!(call.expect(400).await.body["detail"], detail);
        }
    }
    let refused = api.call("GET", &format!("{test_path}?limit=5")).expect(400).await;
    assert_eq!(refused.body["detail"], "The query parameter \"limit\" is unknown.");
    assert_eq!(api.side_effects().await, before);

    api.call("GET", &format!("{patient_path}?code=&CODE=x")).expect(200).await;
}

#[tokio::test]
async fn no_response_may_be_cached() {
    let stocked = Stocked::start().await;
    let Stocked { api, patient_id, test_id } = &stocked;
    let patient_path = format!("patient/{patient_id}");

    for (status, call) in [
        (200, api.call("GET", &patient_path)),
        (200, api.call("HEAD", &patient_path)),
        (304, api.call("GET", &patient_path).header("If-None-Match", "*")),
        (200, api.call("GET", &format!("{patient_path}/tests"))),
        (200, api.call("POST", "patient/search").json(&json!({}))),
        (201, api.call("POST", "patient").json(&patient())),
        (400, api.call("POST", "patient").json(&json!({}))),
        (404, api.call("GET", "patient/42")),
        (412, api.call("GET", &patient_path).header("If-Match", "\"7\"")),
        (204, api.call("DELETE", &format!("{patient_path}/tests/{test_id}"))),
        (410, api.call("GET", &format!("{patient_path}/tests/{test_id}"))),
        (413, api.call("POST", "patient").bytes(vec![b' '; MEBIBYTE + 1])),
        (415, api.call("POST", "patient").header("Content-Type", "image/png").json(&json!({}))),
    ] {
        let response = call.expect(status).await;

        assert_eq!(response.header("Cache-Control"), Some("no-store"), "{response:#?}");
    }
}

#[tokio::test]
async fn a_missing_body_is_refused_and_the_reason_named() {
    let stocked = Stocked::start().await;
    let before = stocked.api.side_effects().await;

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
            "The body is missing: it was sent in chunks, without a Content-Length, and was dropped."
        );
    }
    assert_eq!(stocked.api.side_effects().await, before);
}

#[tokio::test]
async fn a_body_of_one_mebibyte_is_the_largest() {
    let stocked = Stocked::start().await;
    let before = stocked.api.side_effects().await;

    for (call, body) in stocked.with_bodies() {
        let length = body.len();
        let refused = call.bytes(body + &" ".repeat(MEBIBYTE + 1 - length)).expect(413).await;

        assert_eq!(refused.problem(), "too-large");
        assert_discloses_nothing(&refused);
    }
    let huge = stocked.api.call("POST", "patient").bytes(vec![b' '; 25 * MEBIBYTE]);
    assert_eq!(huge.expect(413).await.problem(), "too-large");
    assert_eq!(stocked.api.side_effects().await, before);

    for (call, body) in stocked.with_bodies() {
        let length = body.len();
        let accepted = call.bytes(body + &" ".repeat(MEBIBYTE - length)).send().await;

        assert!(matches!(accepted.status, 200 | 201), "{accepted:#?}");
    }
}

#[tokio::test]
async fn a_binary_or_compressed_body_is_of_an_unsupported_type() {
    let stocked = Stocked::start().await;
    let before = stocked.api.side_effects().await;

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
    assert_eq!(stocked.api.side_effects().await, before);
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
async fn an_invalid_header_is_refused() {
    let stocked = Stocked::start().await;
    let Stocked { api, patient_id, test_id } = &stocked;
    let before = api.side_effects().await;
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
    assert_eq!(api.side_effects().await, before);
}

#[tokio::test]
async fn invalid_page_parameters_are_refused() {
    let stocked = Stocked::start().await;
    let Stocked { api, patient_id, .. } = &stocked;
    let before = api.side_effects().await;

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
    assert_eq!(api.side_effects().await, before);
}

#[tokio::test]
async fn nothing_is_stored_under_an_invalid_id() {
    let stocked = Stocked::start().await;
    let Stocked { api, patient_id, test_id } = &stocked;
    let before = api.side_effects().await;
    let unhyphenated = patient_id.replace('-', "");
    let braced = format!("%7B{patient_id}%7D");
    let longer = format!("{patient_id}0");

    for id in ["42", "%01", "a%2Fb", "..%2Fpatient", "%24ne", &unhyphenated, &braced, &longer] {
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
    assert_eq!(api.side_effects().await, before);
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
        (404, api.call("GET", "patient/canary-4711")),
        (400, api.call("GET", "patient/42?unknown=canary-4711")),
        (415, api.call("POST", "patient").header("Content-Type", "image/canary-4711").json(&body)),
    ] {
        let refused = call.expect(status).await;

        refused.problem();
        assert!(!refused.text.contains(canary), "{refused:#?}");
    }
    assert_eq!(api.side_effects().await, (vec![], 0));
}

#[tokio::test]
async fn a_purpose_of_use_that_is_no_code_is_refused() {
    let stocked = Stocked::start().await;
    let before = stocked.api.side_effects().await;

    for purpose in ["treat", "TREAT, HPAYMT", "", "7", &"T".repeat(33)] {
        for call in stocked.calls() {
            let refused = call.header("X-Purpose-Of-Use", purpose).expect(400).await;

            assert_eq!(refused.problem(), "invalid-request", "{purpose}");
            assert_discloses_nothing(&refused);
        }
    }

    assert_eq!(stocked.api.side_effects().await, before);
}
