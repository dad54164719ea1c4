//! Any input is valid or refused as the caller's error; none causes a 500.

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::every_function::Stocked;
use crate::helpers::{medical_test, patient};

const FUNCTIONS: [&str; 10] = [
    "CreatePatient",
    "CreateTest",
    "DeletePatient",
    "DeleteTest",
    "LoadPatient",
    "LoadTest",
    "SearchPatient",
    "UpdatePatient",
    "UpdateTest",
    "Unknown",
];

/// The members of the host's description of a request.
const MEMBERS: [&str; 7] = ["Url", "Method", "Query", "Headers", "Params", "Identities", "Body"];

/// The headers that the app reads.
const HEADERS: [&str; 13] = [
    "If-Match",
    "If-None-Match",
    "Idempotency-Key",
    "Content-Type",
    "Content-Encoding",
    "traceparent",
    "tracestate",
    "X-Caller-Subscription",
    "X-Caller-User",
    "X-Caller-Organisation",
    "X-Caller-Client",
    "X-Purpose-Of-Use",
    "X-Caller-Address",
];

/// Tests a property with one app, which must neither panic nor restart.
fn holds<S>(inputs: S, property: impl AsyncFn(&Stocked, S::Value))
where
    S: Strategy<Value: Debug>,
{
    let runtime = Runtime::new().unwrap();
    let stocked = runtime.block_on(Stocked::start());
    let host = &stocked.api.app.host;
    let process = host.handler_process_id();
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };

    let outcome = TestRunner::new(config).run(&inputs, |input| {
        runtime.block_on(property(&stocked, input));
        Ok(())
    });

    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(host.handler_process_id(), process);
    let console = host.console();
    assert!(console.iter().all(|line| !line.text.contains("panicked")), "{console:#?}");
    let logs = host.invocation_logs();
    assert!(logs.iter().all(|log| !log.text.contains("ERROR")), "{logs:#?}");
}

/// Posts a payload to the handler directly, without a host; returns the status in the envelope.
async fn invoke(stocked: &Stocked, function: &str, payload: Vec<u8>) -> u64 {
    let url = format!("{}/{function}", stocked.api.app.host.handler_url());
    let response = stand_ins::http_client().post(url).body(payload).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["Content-Type"], "application/json");
    let envelope: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    let status = envelope["Outputs"]["res"]["statusCode"].as_u64();
    status.unwrap_or_else(|| panic!("{envelope}"))
}

/// Any JSON that is not too large.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,70}".prop_map(Value::from),
        "[0-9]{4}(-[0-9]{2}){0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(".{0,12}", inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A valid body, but for one field with any value.
fn nearly_good_body(good: Value) -> impl Strategy<Value = Value> {
    let names: Vec<_> = good.as_object().unwrap().keys().cloned().collect();
    (prop::sample::select(names), any_json()).prop_map(move |(name, value)| {
        let mut body = good.clone();
        body[name] = value;
        body
    })
}

/// Valid header values.
fn header_text() -> impl Strategy<Value = String> {
    prop_oneof![r#"[ -~\t]{0,80}"#, r#"(W/)?"[0-9]{0,20}"(, ?"[ -~]{0,9}")*"#, "[a-zà-ü]{0,20}"]
}

#[test]
fn any_bytes_are_a_payload_or_a_client_error() {
    let inputs = (prop::sample::select(FUNCTIONS.as_slice()), any::<Vec<u8>>());
    holds(inputs, async |stocked, (function, payload)| {
        assert_eq!(invoke(stocked, function, payload).await, 400);
    });
}

#[test]
fn any_members_are_a_payload_or_a_client_error() {
    let trigger =
        prop::collection::vec((prop::sample::select(MEMBERS.as_slice()), any_json()), 0..4);
    let inputs = (prop::sample::select(FUNCTIONS.as_slice()), trigger);
    holds(inputs, async |stocked, (function, members)| {
        let mut trigger = json!({
            "Url": "http://127.0.0.1/api/patient", "Method": "POST", "Query": {}, "Headers": {},
            "Params": {"patientId": stocked.patient_id, "testId": stocked.test_id},
            "Identities": [], "Body": "{}"
        });
        for (name, value) in members {
            trigger[name] = value;
        }
        let payload = json!({"Data": {"req": trigger}, "Metadata": {}}).to_string();

        let status = invoke(stocked, function, payload.into_bytes()).await;

        assert!((200..500).contains(&status), "{status}");
    });
}

#[test]
fn any_json_is_a_body_or_a_client_error() {
    let inputs =
        prop_oneof![any_json(), nearly_good_body(patient()), nearly_good_body(medical_test()),];
    holds(inputs, async |Stocked { api, patient_id, test_id }, body| {
        let patient_path = format!("patient/{patient_id}");
        for (method, path) in [
            ("POST", "patient"),
            ("PUT", &patient_path),
            ("POST", "patient/search"),
            ("POST", &format!("{patient_path}/tests")),
            ("PUT", &format!("{patient_path}/tests/{test_id}")),
        ] {
            let before = api.audit.calls();
            let response = api.call(method, path).json(&body).send().await;

            assert!(matches!(response.status, 200 | 201 | 400), "{response:#?}");
            if response.status == 400 {
                assert_eq!(response.problem(), "invalid-request");
                assert_eq!(api.audit.calls(), before);
            }
        }
    });
}

#[test]
fn any_header_is_understood_or_a_client_error() {
    let inputs =
        prop::collection::vec((prop::sample::select(HEADERS.as_slice()), header_text()), 1..4);
    holds(inputs, async |stocked, headers| {
        for mut call in stocked.reads() {
            for (name, value) in &headers {
                call = call.header(name, value);
            }
            let response = call.send().await;

            assert!((200..500).contains(&response.status), "{response:#?}");
        }
    });
}

#[test]
fn any_path_and_query_are_understood_or_a_client_error() {
    let text = || {
        prop_oneof![
            any::<Vec<u8>>(),
            "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}".prop_map(String::into_bytes)
        ]
    };
    holds((text(), text(), text()), async |Stocked { api, .. }, (one, two, query)| {
        let [one, two, query] = [one, two, query].map(|bytes| percent_encoded(&bytes));
        for (method, path) in [
            ("GET", format!("patient/{one}")),
            ("DELETE", format!("patient/{one}")),
            ("GET", format!("patient/{one}/tests?limit={query}")),
            ("GET", format!("patient/{one}/tests?cursor={query}")),
            ("GET", format!("patient/{one}/tests/{two}")),
            ("DELETE", format!("patient/{one}/tests/{two}")),
            ("PUT", format!("patient/{one}/tests/{two}?{query}")),
        ] {
            let response = api.call(method, &path).send().await;

            assert!((400..500).contains(&response.status), "{method} {path} {response:#?}");
        }
    });
}

fn percent_encoded(bytes: &[u8]) -> String {
    bytes.iter().take(40).map(|byte| format!("%{byte:02X}")).collect()
}
