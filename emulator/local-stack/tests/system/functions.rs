//! Every function through the gateway, and its audit records.

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use reqwest::Method;
use serde_json::{Value, json};
use stand_ins::eventually;

use crate::stack::{Stack, patient};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn every_patient_function_works_through_the_gateway_and_is_recorded() {
    let mut stack = Stack::start().await;

    let created = stack.send(Method::POST, "patient", &patient(), 201).await;
    let id = created["id"].as_str().unwrap();
    let path = format!("patient/{id}");
    assert_eq!(stack.send(Method::GET, &path, &Value::Null, 200).await, created);
    let mut changed = created.clone();
    changed["firstName"] = json!("Augusta");
    let updated = stack.send(Method::PUT, &path, &changed, 200).await;
    assert_eq!(updated["firstName"], "Augusta");
    let criteria = json!({"firstName": "Augusta"});
    let found = stack.send(Method::POST, "patient/search", &criteria, 200).await;
    assert_eq!(found, json!([updated]));
    stack.send(Method::DELETE, &path, &Value::Null, 204).await;
    stack.send(Method::GET, &path, &Value::Null, 410).await;
    let history = format!("{path}/history");
    let versions = stack.send(Method::GET, &history, &Value::Null, 200).await;
    assert_eq!(versions.as_array().unwrap().len(), 3);
    let first = stack.send(Method::GET, &format!("{history}/1"), &Value::Null, 200).await;
    assert_eq!(first, created);
    let restore = format!("{path}/restore");
    let restored = stack.send(Method::POST, &restore, &json!({"version": 1}), 200).await;
    assert_eq!(stack.send(Method::GET, &path, &Value::Null, 200).await, restored);

    let records = audit_records(&mut stack).await;
    assert_recorded(
        &records,
        &[
            ("patient", "create", "intended"),
            ("patient", "read", "succeeded"),
            ("patient", "update", "intended"),
            ("patient", "search", "succeeded"),
            ("patient", "delete", "intended"),
            ("patient", "read", "refused"),
            ("patient", "read", "succeeded"),
            ("patient", "read", "succeeded"),
            ("patient", "restore", "intended"),
            ("patient", "read", "succeeded"),
        ],
    );
    assert_eq!(records[8].get_document("resource").unwrap().get_i64("version").unwrap(), 1);
    let search = records[3].get_document("resource").unwrap();
    assert_eq!(search.get_array("disclosed").unwrap(), &[Bson::from(id)]);
    assert_eq!(search.get_document("query").unwrap(), &doc! { "firstName": "Augusta" });
}

#[tokio::test]
async fn every_test_function_works_through_the_gateway_and_is_recorded() {
    let mut stack = Stack::start().await;
    let test = json!({"performer": "L", "orderReference": "O", "observations": []});
    let patient = stack.send(Method::POST, "patient", &patient(), 201).await;
    let tests = format!("patient/{}/tests", patient["id"].as_str().unwrap());

    let created = stack.send(Method::POST, &tests, &test, 201).await;
    let path = format!("{tests}/{}", created["id"].as_str().unwrap());
    assert_eq!(stack.send(Method::GET, &path, &Value::Null, 200).await, created);
    assert_eq!(stack.send(Method::GET, &tests, &Value::Null, 200).await, json!([created]));
    let mut changed = created.clone();
    changed["performer"] = json!("M");
    assert_eq!(stack.send(Method::PUT, &path, &changed, 200).await["performer"], "M");
    stack.send(Method::DELETE, &path, &Value::Null, 204).await;
    let history = format!("{path}/history");
    let versions = stack.send(Method::GET, &history, &Value::Null, 200).await;
    assert_eq!(versions.as_array().unwrap().len(), 3);
    let first = stack.send(Method::GET, &format!("{history}/1"), &Value::Null, 200).await;
    assert_eq!(first, created);
    let restore = format!("{path}/restore");
    let restored = stack.send(Method::POST, &restore, &json!({"version": 2}), 200).await;
    assert_eq!(restored["performer"], "M");

    assert_recorded(
        &audit_records(&mut stack).await,
        &[
            ("patient", "create", "intended"),
            ("test", "create", "intended"),
            ("test", "read", "succeeded"),
            ("test", "read", "succeeded"),
            ("test", "update", "intended"),
            ("test", "delete", "intended"),
            ("test", "read", "succeeded"),
            ("test", "read", "succeeded"),
            ("test", "restore", "intended"),
        ],
    );
}

/// All audit records, in order.
async fn audit_records(stack: &mut Stack) -> Vec<Document> {
    let found = stack.audits().await.find(doc! {}).sort(doc! { "createdDate": 1 }).await;
    found.unwrap().try_collect().await.unwrap()
}

/// Checks type, operation and outcome of all records.
fn assert_recorded(records: &[Document], expected: &[(&str, &str, &str)]) {
    let recorded: Vec<_> = records
        .iter()
        .map(|record| {
            let resource = record.get_document("resource").unwrap();
            (
                resource.get_str("type").unwrap(),
                resource.get_str("operation").unwrap(),
                record.get_str("outcome").unwrap(),
            )
        })
        .collect();
    assert_eq!(recorded, expected);
}

#[tokio::test]
async fn the_longest_search_criteria_can_be_recorded() {
    let stack = Stack::start().await;
    let date = format!("1980-12-10T00:00:00.{}Z", "0".repeat(43));
    assert_eq!(date.len(), 64);
    let criteria = json!({
        "id": "0190a6b2-1111-7abc-8def-0123456789ab",
        "firstName": "字".repeat(64),
        "lastName": "🧪".repeat(64),
        "fullName": "é".repeat(128),
        "gender": "unknown",
        "postCode": "0000",
        "insuranceNumber": "1".repeat(64),
        "preferredContactNumber": "2".repeat(64),
        "dateOfBirthFrom": date,
        "dateOfBirthTo": date
    });

    stack.send(Method::POST, "patient/search", &criteria, 200).await;

    let longer = json!({"dateOfBirthFrom": date.replace('Z', "0Z")});
    stack.send(Method::POST, "patient/search", &longer, 400).await;
}

#[tokio::test]
async fn an_audit_record_has_the_caller_and_the_trace_id() {
    let mut stack = Stack::start().await;

    let response = stack
        .call(Method::POST, "patient")
        .header("traceparent", format!("00-{TRACE_ID}-00f067aa0ba902b7-01"))
        .header("X-Caller-Subscription", "somebody-else")
        .header("X-Caller-Organisation", "somebody-else")
        .header("X-Caller-User", "somebody-else")
        .header("X-Purpose-Of-Use", "TREAT")
        .body(patient().to_string())
        .send()
        .await
        .unwrap();

    assert_eq!(response.status().as_u16(), 201);
    let stored = stack.patients().await.find_one(doc! {}).await.unwrap().unwrap();
    let record_id = stored.get_str("_auditId").unwrap();
    let record = stack.audits().await.find_one(doc! { "_id": record_id }).await.unwrap().unwrap();
    assert_eq!(
        record.get_document("actor").unwrap(),
        &doc! {
            "keyName": "gateway", "subscriptionId": "developer", "organisation": "Developer",
            "clientAddress": "127.0.0.1"
        }
    );
    assert_eq!(record.get_str("purpose").unwrap(), "TREAT");
    assert_eq!(record.get_str("traceId").unwrap(), TRACE_ID);
}

#[tokio::test]
async fn without_a_valid_key_nothing_is_stored_or_recorded() {
    let mut stack = Stack::start().await;
    let audits = stack.audits().await;
    let url = format!("{}/patient", stack.local.url());
    let keyless = stack.client.post(&url).body(patient().to_string());
    let wrong = stack.client.post(&url).header("Ocp-Apim-Subscription-Key", "wrong");

    for call in [keyless, wrong.body(patient().to_string())] {
        assert_eq!(call.send().await.unwrap().status().as_u16(), 401);
    }

    assert_eq!(stack.patients().await.count_documents(doc! {}).await.unwrap(), 0);
    assert_eq!(audits.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn health_requires_a_subscription_and_is_not_recorded() {
    let mut stack = Stack::start().await;

    assert_eq!(stack.send(Method::GET, "health", &Value::Null, 200).await, json!({}));
    stack.send(Method::HEAD, "health", &Value::Null, 200).await;

    let keyless = stack.client.get(format!("{}/health", stack.local.url()));
    assert_eq!(keyless.send().await.unwrap().status().as_u16(), 401);
    // The Audit API is not behind the gateway.
    let [_, audit_host] = stack.local.host_urls().map(str::to_owned);
    let keyless = stack.client.get(format!("{audit_host}/api/health"));
    assert_eq!(keyless.send().await.unwrap().status().as_u16(), 401);
    assert_eq!(stack.audits().await.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn health_fails_and_recovers_with_the_database() {
    let stack = Stack::start().await;
    let until = async |status: u16| {
        eventually(&format!("/health is {status}"), async || {
            let response = stack.call(Method::GET, "health").send().await;
            response.expect("the gateway responds").status().as_u16() == status
        })
        .await;
    };

    let mongod = stack.local.mongod().expect("its own");
    mongod.lock().await.kill();
    until(503).await;
    mongod.lock().await.restart().await.expect("mongod starts again");
    until(200).await;
}

#[tokio::test]
async fn a_chunked_body_arrives_complete() {
    let stack = Stack::start().await;
    let text = patient().to_string();
    let (first, second) = text.split_at(10);
    let chunks = [first.to_owned(), second.to_owned()].map(|chunk| {
        Ok::<_, std::convert::Infallible>(hyper::body::Frame::data(bytes::Bytes::from(chunk)))
    });
    let body = http_body_util::StreamBody::new(futures_util::stream::iter(chunks));

    let response = stack.call(Method::POST, "patient").body(reqwest::Body::wrap(body)).send().await;

    assert_eq!(response.unwrap().status().as_u16(), 201);
}
