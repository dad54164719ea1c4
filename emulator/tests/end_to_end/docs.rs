//! The page with the API's document, as people use it.

use serde_json::{Value, json};

use crate::browser::Page;
use crate::stack::{Stack, json_of};

/// Sends the form of an operation and waits for the status.
async fn send(page: &mut Page, operation: &str, status: u16) {
    let form = format!("document.querySelector('#{operation} form')");
    page.value(&format!("{form}.querySelector('.answer').replaceChildren()")).await;
    page.value(&format!("{form}.requestSubmit()")).await;
    page.until(&format!("{form}.querySelector('.status')?.textContent === '{status}'")).await;
}

async fn answer(page: &mut Page, operation: &str, part: &str) -> String {
    let text = format!("document.querySelector('#{operation} .answer .{part}').textContent");
    page.value(&text).await.as_str().expect("it was answered").to_owned()
}

#[tokio::test]
async fn every_operation_is_shown_and_can_be_tried() {
    let stack = Stack::start().await;
    let mut page = Page::open(&format!("{}/docs", stack.local.url()), 1280, "light").await;
    page.until("document.getElementById('state').textContent.startsWith('Version')").await;
    let shown = page.value("[...document.querySelectorAll('.operation')].map(({ id }) => id)");
    let shown: Vec<String> = serde_json::from_value(shown.await).expect("a list of names");
    for name in ["CreatePatient", "SearchPatient", "LoadPatient", "LoadTests", "UpdateTest"] {
        assert!(shown.iter().any(|operation| operation == name), "{shown:?}");
    }

    send(&mut page, "CreatePatient", 401).await;
    let key = stack.local.subscription_key();
    page.value(&format!("document.getElementById('key').value = '{key}'")).await;
    send(&mut page, "CreatePatient", 201).await;
    assert!(answer(&mut page, "CreatePatient", "headers").await.contains("etag: \"1\""));
    let created: Value =
        serde_json::from_str(&answer(&mut page, "CreatePatient", "body").await).expect("JSON");

    let id = created["id"].as_str().expect("a patient has an id");
    page.value(&format!("document.getElementById('LoadPatient-patientId').value = '{id}'")).await;
    send(&mut page, "LoadPatient", 200).await;
    let loaded = answer(&mut page, "LoadPatient", "body").await;
    assert_eq!(serde_json::from_str::<Value>(&loaded).expect("JSON"), created);
}

#[tokio::test]
async fn the_page_fits_a_phone_and_asks_nobody_else() {
    let stack = Stack::start().await;
    let url = format!("{}/docs", stack.local.url());
    let mut page = Page::open(&format!("{url}#CreateTest"), 390, "dark").await;
    page.until("document.getElementById('state').textContent.startsWith('Version')").await;
    assert_eq!(page.value("document.documentElement.scrollWidth <= 390").await, true);
    assert_eq!(page.value("document.getElementById('CreateTest').open").await, true);
    let ground = page.value("getComputedStyle(document.body).backgroundColor").await;
    assert_eq!(ground, "rgb(15, 19, 23)");

    for part in ["", "/page.css", "/page.js", "/openapi.json"] {
        let answer = stack.client.get(format!("{url}{part}")).send().await.expect("it answers");
        assert_eq!(answer.status(), 200, "{part}");
        let policy = answer.headers()["content-security-policy"].to_str().expect("it is text");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    }
    let document = stack.client.get(format!("{url}/openapi.json")).send().await.expect("a page");
    let document = json_of(document, 200).await;
    assert_eq!(document["servers"], json!([{ "url": stack.local.url() }]));
    let none = stack.client.get(format!("{url}x")).send().await.expect("it answers");
    assert_eq!(none.status(), 404);
}
