//! Neither logs nor telemetry have what a client sent or what is stored.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::doc;
use serde_json::{Value, json};
use stand_ins::app_insights::{AppInsights, Data, Item};
use stand_ins::audit_api::Behaviour;
use stand_ins::mongo::{self, Proxy};

use crate::helpers::PatientTestsApi;

/// Values that occur nowhere else.
const CANARIES: [&str; 9] = [
    "Kanarina",
    "Zitronenzeisig",
    "1931-07-23",
    "K7X9",
    "INS-990417",
    "+49-555-77310",
    "Girlitzlab",
    "O-88731",
    "17.93 mmol",
];

fn patient() -> Value {
    json!({
        "firstName": "Kanarina", "lastName": "Zitronenzeisig", "gender": "other",
        "dateOfBirth": "1931-07-23", "postCode": "K7X9", "insuranceNumber": "INS-990417",
        "preferredContactNumber": "+49-555-77310"
    })
}

fn medical_test() -> Value {
    json!({
        "performer": "Girlitzlab", "orderReference": "O-88731", "observations": [{
            "id": "1", "code": "c", "measurement": "17.93 mmol", "interpretation": "n",
            "status": "final", "issued": "2020-05-14T15:14:15Z"
        }]
    })
}

/// The body with every value in a list of its own, which is wrong everywhere.
fn wrong(body: &Value) -> Value {
    let fields = body.as_object().unwrap().iter();
    fields.map(|(name, value)| (name.clone(), json!([value]))).collect()
}

/// Items of telemetry as they were sent.
fn texts(items: &[Arc<Item>]) -> Vec<String> {
    items.iter().map(|item| item.envelope.to_string()).collect()
}

#[tokio::test]
async fn neither_logs_nor_telemetry_nor_problems_have_data_or_keys() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let insights = AppInsights::start().await.unwrap();
    let settings = [
        ("RUST_LOG", "trace"),
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", insights.connection_string()),
    ];
    let api = PatientTestsApi::start_on(&proxy.connection_string(), &settings).await;
    let mut problems = Vec::new();
    let mut refused = async |call: stand_ins::test_app::Call, status: u16| {
        problems.push(call.expect(status).await.text);
    };

    // All is well.
    let create = || api.call("POST", "patient").header("Idempotency-Key", "key-INS-990417");
    let created = create().json(&patient()).expect(201).await;
    let id = created.body["id"].as_str().unwrap();
    let path = format!("patient/{id}");
    let tests = format!("{path}/tests");
    let test = api.call("POST", &tests).json(&medical_test()).expect(201).await;
    let test = format!("{tests}/{}", test.body["id"].as_str().unwrap());
    api.call("GET", &path).expect(200).await;
    api.call("GET", &tests).expect(200).await;
    let loaded = api.call("GET", &test).expect(200).await;
    api.call("PUT", &test).json(&loaded.body).expect(200).await;
    api.call("POST", "patient/search").json(&json!({"firstName": "Kanarina"})).expect(200).await;
    let mut replacement = patient();
    replacement["id"] = json!(id);
    api.call("PUT", &path).json(&replacement).expect(200).await;
    create().json(&patient()).expect(201).await;
    api.call("GET", "health").expect(200).await;

    // The client's mistakes.
    refused(create().json(&json!({"firstName": "Kanarina"})), 400).await;
    refused(create().json(&wrong(&patient())), 400).await;
    refused(create().bytes("{\"firstName\": \"Kanarina"), 400).await;
    refused(api.call("POST", &tests).json(&wrong(&medical_test())), 400).await;
    refused(api.call("POST", "patient/search").json(&json!({"postCode": "K7X9 "})), 400).await;
    refused(api.call("GET", "patient/Kanarina"), 404).await;
    refused(api.call("GET", "patient/42?firstName=Kanarina"), 400).await;
    refused(api.call("GET", &format!("{tests}?cursor=Kanarina")), 400).await;
    refused(api.call("GET", &path).header("If-None-Match", "INS-990417"), 400).await;
    let stale = api.call("PUT", &path).header("If-Match", "\"INS-990417\"");
    refused(stale.json(&replacement), 412).await;
    let mut other = patient();
    other["fullName"] = json!("Kanarina Zitronenzeisig");
    refused(create().json(&other), 422).await;

    let image = api.call("POST", "patient").header("Content-Type", "image/Kanarina");
    refused(image.bytes("Kanarina"), 415).await;
    let long = json!({"firstName": "Kanarina".repeat(200_000)});
    refused(api.call("POST", "patient").json(&long), 413).await;
    api.call("DELETE", &test).expect(204).await;
    refused(api.call("GET", &test), 410).await;

    // The world's.
    let quote = "E11000 duplicate key error dup key: { firstName: \"Kanarina\" }";
    for (command, code, status) in
        [("insert", 121, 503), ("insert", 16500, 429), ("insert", 11000, 422)]
    {
        let failure =
            json!({"index": 0, "code": code, "errmsg": format!("{quote} RetryAfterMs=99999")});
        let failure = mongodb::bson::serialize_to_bson(&failure).unwrap();
        proxy.answer_instead(command, 1, doc! { "ok": 1, "n": 0, "writeErrors": [failure] });
        refused(api.call("POST", "patient").json(&patient()), status).await;
    }
    api.audit.behave(Behaviour::Garbage);
    for call in [
        api.call("POST", "patient").json(&patient()),
        api.call("POST", "patient/search").json(&json!({"firstName": "Kanarina"})),
        api.call("POST", &tests).json(&medical_test()),
        api.call("GET", &tests),
        api.call("DELETE", &path),
    ] {
        refused(call, 503).await;
    }
    api.audit.behave(Behaviour::Record);
    let unreadable = doc! { "$set": { "dateOfBirth": ["Kanarina"] } };
    api.patients().update_one(doc! {}, unreadable).await.unwrap();
    refused(api.call("GET", &path), 500).await;

    let console = api.app.host.console().into_iter().map(|line| line.text);
    let logs = api.app.host.invocation_logs().into_iter().map(|log| log.text);
    // The last invocation's telemetry leaves after that of all others.
    let is_last = |item: &Arc<Item>| {
        let Data::Request(request) = &item.data else { return false };
        item.role() == Some("patient-tests-api") && request.response_code == "500"
    };
    let arrived = |items: &[_]| items.iter().any(is_last);
    assert!(insights.until(arrived, Duration::from_secs(30)).await);
    let told = texts(&insights.items());
    assert!(told.iter().any(|item| item.contains("ExceptionData")), "it tells what went wrong");
    let said: Vec<_> = console.chain(logs).chain(problems).chain(told).collect();
    assert!(said.iter().any(|line| line.contains("TRACE")), "it says everything that it can");
    assert!(said.iter().any(|line| line.contains("ERROR")), "it says what went wrong");
    let audit_key = api.audit.key();
    let secrets = [audit_key.as_str(), "the-key-of-the-tests", "key-INS-990417"];
    for line in &said {
        for secret in CANARIES.into_iter().chain(secrets) {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
    }
}
