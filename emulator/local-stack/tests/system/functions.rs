//! Every function through the gateway, and what the audit register says of it afterwards.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{Stack, patient};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn every_function_works_through_the_gateway_and_is_recorded() {
    let mut stack = Stack::start().await;
    let audits = stack.audits().await;
    let test = json!({"performer": "L", "orderReference": "O", "observations": []});

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

    let tests = format!("{path}/tests");
    let created = stack.send(Method::POST, &tests, &test, 201).await;
    let test_id = created["id"].as_str().unwrap();
    let test_path = format!("{tests}/{test_id}");
    assert_eq!(stack.send(Method::GET, &test_path, &Value::Null, 200).await, created);
    assert_eq!(stack.send(Method::GET, &tests, &Value::Null, 200).await, json!([created]));
    let mut changed = created.clone();
    changed["performer"] = json!("M");
    assert_eq!(stack.send(Method::PUT, &test_path, &changed, 200).await["performer"], "M");
    stack.send(Method::DELETE, &test_path, &Value::Null, 204).await;
    stack.send(Method::DELETE, &path, &Value::Null, 204).await;
    stack.send(Method::GET, &path, &Value::Null, 410).await;

    let records: Vec<Document> = audits
        .find(doc! {})
        .sort(doc! { "createdDate": 1 })
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let said = |record: &Document| {
        let resource = record.get_document("resource").unwrap();
        let text = |document: &Document, name| document.get_str(name).unwrap().to_owned();
        (text(resource, "type"), text(resource, "operation"), text(record, "outcome"))
    };
    let expected = [
        ("patient", "create", "intended"),
        ("patient", "read", "succeeded"),
        ("patient", "update", "intended"),
        ("patient", "search", "succeeded"),
        ("test", "create", "intended"),
        ("test", "read", "succeeded"),
        ("test", "read", "succeeded"),
        ("test", "update", "intended"),
        ("test", "delete", "intended"),
        ("patient", "delete", "intended"),
        ("patient", "read", "refused"),
    ];
    let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(records.iter().map(said).collect::<Vec<_>>(), expected);
    let search = records[3].get_document("resource").unwrap();
    assert_eq!(search.get_array("disclosed").unwrap(), &[Bson::from(id)]);
    assert_eq!(search.get_document("query").unwrap(), &doc! { "firstName": "Augusta" });
}

#[tokio::test]
async fn whatever_a_search_may_ask_for_the_register_can_note() {
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
async fn the_register_knows_who_called_and_in_which_trace() {
    let mut stack = Stack::start().await;

    let response = stack
        .call(Method::POST, "patient")
        .header("traceparent", format!("00-{TRACE_ID}-00f067aa0ba902b7-01"))
        .header("X-Caller-Subscription", "somebody-else")
        .header("X-Caller-User", "somebody-else")
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
        &doc! { "keyName": "gateway", "subscriptionId": "first-caller", "clientAddress": "127.0.0.1" }
    );
    assert_eq!(record.get_str("traceId").unwrap(), TRACE_ID);
}

#[tokio::test]
async fn without_a_good_key_nothing_is_reached() {
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
async fn health_is_told_to_any_subscription_and_to_nobody_else_and_is_not_recorded() {
    let mut stack = Stack::start().await;

    assert_eq!(stack.send(Method::GET, "health", &Value::Null, 200).await, json!({}));
    stack.send(Method::HEAD, "health", &Value::Null, 200).await;

    let keyless = stack.client.get(format!("{}/health", stack.local.url()));
    assert_eq!(keyless.send().await.unwrap().status().as_u16(), 401);
    // That of the register is not behind the gateway.
    let [_, audit_host] = stack.local.host_urls().map(str::to_owned);
    let keyless = stack.client.get(format!("{audit_host}/api/health"));
    assert_eq!(keyless.send().await.unwrap().status().as_u16(), 401);
    assert_eq!(stack.audits().await.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn health_ends_with_a_part_and_comes_back_with_it() {
    let stack = Stack::start().await;
    let ask = async |stack: &Stack| {
        let response = stack.call(Method::GET, "health").send().await.expect("the gateway answers");
        response.status().as_u16()
    };
    let until = async |stack: &Stack, status| {
        let asking = async { while ask(stack).await != status {} };
        let limit = tokio::time::timeout(Duration::from_secs(60), asking);
        limit.await.unwrap_or_else(|_| panic!("/health never is {status}"));
    };

    let mongod = stack.local.mongod().expect("its own");
    mongod.lock().await.kill();
    until(&stack, 503).await;
    mongod.lock().await.restart().await.expect("mongod starts again");
    until(&stack, 200).await;
}

#[tokio::test]
async fn a_body_in_chunks_arrives_whole() {
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
