//! Browsers cache no patient data.

use mongodb::bson::doc;
use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::Page;
use crate::stack::{Stack, patient};

#[tokio::test]
async fn a_forced_cache_returns_no_patient_without_a_key() {
    let mut stack = Stack::start().await;
    let created = stack.send(Method::POST, "patient", &patient(), 201).await;
    let audits = stack.audits().await;
    let mut page = Page::open(&format!("{}/docs", stack.local.url()), 1280, "light").await;
    let path = format!("/patient/{}", created["id"].as_str().expect("a patient has an id"));

    let key = json!({ "Ocp-Apim-Subscription-Key": stack.local.subscription_key() });
    let with_key = fetched(&mut page, &path, &json!({ "headers": key })).await;
    let records = audits.count_documents(doc! {}).await.expect("it counts");
    let without = fetched(&mut page, &path, &json!({ "cache": "force-cache" })).await;

    assert_eq!(with_key["status"], 200);
    assert!(with_key["text"].as_str().is_some_and(|text| text.contains("1980-02-29")));
    assert_eq!(without["status"], 401, "{without}");
    assert!(without["text"].as_str().is_some_and(|text| !text.contains("1980-02-29")));
    assert_eq!(audits.count_documents(doc! {}).await.expect("it counts"), records);
}

/// Status and body of a request by a script on the page.
async fn fetched(page: &mut Page, path: &str, options: &Value) -> Value {
    let read = "async (response) => ({ status: response.status, text: await response.text() })";
    page.value(&format!("fetch('{path}', {options}).then({read})")).await
}
