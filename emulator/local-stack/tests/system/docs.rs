//! The page `/docs`.

use mongodb::bson::doc;
use serde_json::{Value, json};

use crate::browser::Page;
use crate::stack::{Stack, json_of};

/// Submits the form of an operation and waits for the status.
async fn send(page: &mut Page, operation: &str, status: u16) {
    let form = format!("document.querySelector('#{operation} form')");
    page.value(&format!("{form}.querySelector('.response').replaceChildren()")).await;
    page.value(&format!("{form}.requestSubmit()")).await;
    page.until(&format!("{form}.querySelector('.status')?.textContent === '{status}'")).await;
}

/// A part of the last response to an operation.
async fn response_part(page: &mut Page, operation: &str, part: &str) -> String {
    let text = format!("document.querySelector('#{operation} .response .{part}').textContent");
    page.value(&text).await.as_str().expect("there is a response").to_owned()
}

/// Opens the page with a valid key.
async fn open(stack: &Stack) -> Page {
    let mut page = Page::open(&format!("{}/docs", stack.local.url()), 1280, "light").await;
    page.until("document.getElementById('state').textContent.startsWith('Version')").await;
    type_into(&mut page, "key", stack.local.subscription_key()).await;
    page
}

async fn type_into(page: &mut Page, id: &str, text: &str) {
    let field = format!("document.getElementById('{id}')");
    page.value(&format!("{field}.value = {}", json!(text))).await;
    page.value(&format!("{field}.dispatchEvent(new Event('input'))")).await;
}

/// The number of API requests by the page.
async fn requests(page: &mut Page) -> Value {
    let sent = "performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)";
    page.value(&format!("{sent}.filter((path) => !path.startsWith('/docs')).length")).await
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
    assert!(response_part(&mut page, "CreatePatient", "headers").await.contains("etag: \"1\""));
    let created: Value =
        serde_json::from_str(&response_part(&mut page, "CreatePatient", "body").await)
            .expect("JSON");

    let id = created["id"].as_str().expect("a patient has an id");
    page.value(&format!("document.getElementById('LoadPatient-patientId').value = '{id}'")).await;
    send(&mut page, "LoadPatient", 200).await;
    let loaded = response_part(&mut page, "LoadPatient", "body").await;
    assert_eq!(serde_json::from_str::<Value>(&loaded).expect("JSON"), created);
}

#[tokio::test]
async fn the_page_fits_a_phone_and_loads_nothing_from_elsewhere() {
    let stack = Stack::start().await;
    let url = format!("{}/docs", stack.local.url());
    let mut page = Page::open(&format!("{url}#CreateTest"), 390, "dark").await;
    page.until("document.getElementById('state').textContent.startsWith('Version')").await;
    assert_eq!(page.value("document.documentElement.scrollWidth <= 390").await, true);
    assert_eq!(page.value("document.getElementById('CreateTest').open").await, true);
    let ground = page.value("getComputedStyle(document.body).backgroundColor").await;
    assert_eq!(ground, "rgb(15, 19, 23)");

    for part in ["", "/page.css", "/page.js", "/openapi.json"] {
        let response = stack.client.get(format!("{url}{part}")).send().await.expect("a response");
        assert_eq!(response.status(), 200, "{part}");
        let policy = response.headers()["content-security-policy"].to_str().expect("it is text");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    }
    let document = stack.client.get(format!("{url}/openapi.json")).send().await.expect("a page");
    let document = json_of(document, 200).await;
    assert_eq!(document["servers"], json!([{ "url": stack.local.url() }]));
    let none = stack.client.get(format!("{url}x")).send().await.expect("a response");
    assert_eq!(none.status(), 404);
}

#[tokio::test]
async fn a_key_with_an_invalid_character_is_reported() {
    let stack = Stack::start().await;
    let mut page = open(&stack).await;
    type_into(&mut page, "key", "\u{201c}0123456789\u{201d}").await;
    let form = "document.querySelector('#CreatePatient form')";

    page.value(&format!("{form}.requestSubmit()")).await;

    page.until(&format!("{form}.querySelector('.response').textContent.includes('key')")).await;
    let text = page.value(&format!("{form}.querySelector('.response').textContent")).await;
    assert!(text.as_str().expect("text").contains("character 1 is U+201C"), "{text}");
    assert_eq!(page.value("document.activeElement.id").await, "key");
    assert_eq!(requests(&mut page).await, 0);
}

#[tokio::test]
async fn an_invalid_id_is_reported_at_its_field() {
    let stack = Stack::start().await;
    let mut page = open(&stack).await;
    let field = "document.getElementById('LoadPatient-patientId')";

    for id in ["", "  ", "..", "42", "search"] {
        type_into(&mut page, "LoadPatient-patientId", id).await;
        page.value("document.querySelector('#LoadPatient').open = true").await;
        page.value("document.querySelector('#LoadPatient button').click()").await;

        assert_eq!(page.value("document.activeElement.id").await, "LoadPatient-patientId");
        assert_ne!(page.value(&format!("{field}.validationMessage")).await, "", "{id}");
        assert_eq!(requests(&mut page).await, 0, "{id}");
    }
    let header = "document.getElementById('LoadPatient-If-Match')";
    type_into(&mut page, "LoadPatient-If-Match", "\u{201c}1\u{201d}").await;
    assert_eq!(page.value(&format!("{header}.checkValidity()")).await, false);
}

#[tokio::test]
async fn a_patient_and_a_test_can_be_replaced_on_the_page() {
    let stack = Stack::start().await;
    let mut page = open(&stack).await;
    send(&mut page, "CreatePatient", 201).await;
    let patient = id_of(&response_part(&mut page, "CreatePatient", "body").await);
    for operation in ["UpdatePatient", "CreateTest", "UpdateTest"] {
        type_into(&mut page, &format!("{operation}-patientId"), &patient).await;
    }

    send(&mut page, "UpdatePatient", 200).await;
    assert!(response_part(&mut page, "UpdatePatient", "headers").await.contains("etag: \"2\""));
    send(&mut page, "CreateTest", 201).await;
    let test = id_of(&response_part(&mut page, "CreateTest", "body").await);
    // Pasted with surrounding blanks.
    type_into(&mut page, "UpdateTest-testId", &format!(" {test} ")).await;
    send(&mut page, "UpdateTest", 200).await;
    assert!(response_part(&mut page, "UpdateTest", "headers").await.contains("etag: \"2\""));
}

#[tokio::test]
async fn bidirectional_control_characters_are_shown_escaped() {
    let mut stack = Stack::start().await;
    let id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    let name = "\u{202e}adA\u{2066}\u{200b}";
    let stored = doc! {
        "_id": id, "_shardKey": id, "id": id, "firstName": name, "lastName": "\u{5d0}\u{5d1}",
        "gender": "female", "dateOfBirth": "1906-12-09", "postCode": "1010",
        "lastUpdated": mongodb::bson::DateTime::now(),
    };
    stack.patients().await.insert_one(stored).await.expect("it is stored");
    let mut page = open(&stack).await;
    page.value("document.getElementById('LoadPatient').open = true").await;
    type_into(&mut page, "LoadPatient-patientId", id).await;

    send(&mut page, "LoadPatient", 200).await;

    let shown = response_part(&mut page, "LoadPatient", "body").await;
    assert!(shown.contains(r#""firstName": "\u202eadA\u2066\u200b""#), "{shown}");
    let loaded: Value = serde_json::from_str(&shown).expect("it is JSON all the same");
    assert_eq!(loaded["firstName"], name);
    let isolated = "[...document.querySelectorAll('#LoadPatient .body bdi')]
        .filter((one) => getComputedStyle(one).unicodeBidi === 'isolate')
        .map(({ textContent }) => textContent)";
    let isolated = page.value(isolated).await;
    assert!(isolated.as_array().expect("a list").contains(&json!("\u{5d0}\u{5d1}")), "{isolated}");
}

/// The id in a displayed record.
fn id_of(shown: &str) -> String {
    let record: Value = serde_json::from_str(shown).expect("JSON");
    record["id"].as_str().expect("a record has an id").to_owned()
}
