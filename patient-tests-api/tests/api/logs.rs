//! Logs and telemetry contain no data from clients or from the database.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::doc;
use serde_json::{Value, json};
use stand_ins::app_insights::{AppInsights, Data, Item};
use stand_ins::audit_api::Behaviour;
use stand_ins::mongo::{self, Proxy};

use crate::canaries;
use crate::helpers::PatientTestsApi;

/// The body with each value in a list of its own, so that every field is invalid.
fn wrong(body: &Value) -> Value {
    let fields = body.as_object().unwrap().iter();
    fields.map(|(name, value)| (name.clone(), json!([value]))).collect()
}

/// Telemetry items as sent.
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
    let [patient, medical_test, search] =
        ["NewPatient", "NewTest", "PatientSearch"].map(canaries::of);
    let canaries = [patient.values, medical_test.values, search.values].concat();
    let (patient, medical_test, search) = (patient.body, medical_test.body, search.body);
    let name = patient["firstName"].as_str().unwrap();
    let number = patient["insuranceNumber"].as_str().unwrap();
    let post_code = patient["postCode"].as_str().unwrap();
    let mut problems = Vec::new();
    let mut refused = async |call: stand_ins::test_app::Call, status: u16| {
        problems.push(call.expect(status).await.text);
    };

    // Successful requests.
    let create = || api.call("POST", "patient").header("Idempotency-Key", "key-Zitronenzeisig");
    let created = create().json(&patient).expect(201).await;
    let id = created.body["id"].as_str().unwrap();
    let path = format!("patient/{id}");
    let tests = format!("{path}/tests");
    let test = api.call("POST", &tests).json(&medical_test).expect(201).await;
    let test = format!("{tests}/{}", test.body["id"].as_str().unwrap());
    api.call("GET", &path).expect(200).await;
    api.call("GET", &tests).expect(200).await;
    let loaded = api.call("GET", &test).expect(200).await;
    api.call("PUT", &test).json(&loaded.body).expect(200).await;
    api.call("POST", "patient/search").json(&json!({"firstName": name})).expect(200).await;
    api.call("POST", "patient/search").json(&search).expect(200).await;
    let mut replacement = patient.clone();
    replacement["id"] = json!(id);
    api.call("PUT", &path).json(&replacement).expect(200).await;
    create().json(&patient).expect(201).await;
    api.call("GET", "health").expect(200).await;

    // Errors of the client.
    refused(create().json(&json!({"firstName": name})), 400).await;
    refused(create().json(&wrong(&patient)), 400).await;
    refused(create().bytes(format!("{{\"firstName\": \"{name}")), 400).await;
    refused(api.call("POST", &tests).json(&wrong(&medical_test)), 400).await;
    refused(
        api.call("POST", "patient/search").json(&json!({"postCode": format!("{post_code} ")})),
        400,
    )
    .await;
    refused(api.call("GET", &format!("patient/{post_code}")), 404).await;
    refused(api.call("GET", &format!("patient/42?firstName={post_code}")), 400).await;
    refused(api.call("GET", &format!("{tests}?cursor={post_code}")), 400).await;
    refused(api.call("GET", &path).header("If-None-Match", number), 400).await;
    let stale = api.call("PUT", &path).header("If-Match", &format!("\"{post_code}\""));
    refused(stale.json(&replacement), 412).await;
    let mut other = patient.clone();
    other["fullName"] = json!(format!("{name} {name}"));
    refused(create().json(&other), 422).await;

    let image = api.call("POST", "patient").header("Content-Type", &format!("image/{post_code}"));
    refused(image.bytes(name), 415).await;
    let long = json!({"firstName": name.repeat(200_000)});
    refused(api.call("POST", "patient").json(&long), 413).await;
    api.call("DELETE", &test).expect(204).await;
    refused(api.call("GET", &test), 410).await;

    // Failures of dependencies.
    let quote = format!("E11000 duplicate key error dup key: {{ firstName: \"{name}\" }}");
    for (command, code, status) in
        [("insert", 121, 503), ("insert", 16500, 429), ("insert", 11000, 422)]
    {
        let failure =
            json!({"index": 0, "code": code, "errmsg": format!("{quote} RetryAfterMs=99999")});
        let failure = mongodb::bson::serialize_to_bson(&failure).unwrap();
        proxy.reply_instead(command, 1, doc! { "ok": 1, "n": 0, "writeErrors": [failure] });
        refused(api.call("POST", "patient").json(&patient), status).await;
    }
    api.audit.behave(Behaviour::Garbage);
    for call in [
        api.call("POST", "patient").json(&patient),
        api.call("POST", "patient/search").json(&json!({"firstName": name})),
        api.call("POST", &tests).json(&medical_test),
        api.call("GET", &tests),
        api.call("DELETE", &path),
    ] {
        refused(call, 503).await;
    }
    api.audit.behave(Behaviour::Record);
    let unreadable = doc! { "$set": { "dateOfBirth": [name] } };
    api.patients().update_one(doc! {}, unreadable).await.unwrap();
    refused(api.call("GET", &path), 500).await;

    let console = api.app.host.console().into_iter().map(|line| line.text);
    let logs = api.app.host.invocation_logs().into_iter().map(|log| log.text);
    // The last invocation's telemetry is sent after all other.
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
    let secrets = [audit_key.as_str(), "the-key-of-the-tests", "key-Zitronenzeisig"];
    for line in &said {
        for secret in canaries.iter().map(String::as_str).chain(secrets) {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
    }
}
