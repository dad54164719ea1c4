//! The page `/access-log`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::Page;
use crate::stack::{Stack, json_of, patient};

/// Opens the page and enters a key and a patient.
async fn open(stack: &Stack, key: &str, patient_id: &str, width: u32) -> Page {
    let url = format!("{}/access-log", stack.local.url());
    let mut page = Page::open(&url, width, "light").await;
    page.until("document.readyState === 'complete'").await;
    for (field, text) in [("key", key), ("patient", patient_id)] {
        let field = format!("document.getElementById('{field}')");
        page.value(&format!("{field}.value = {}", json!(text))).await;
        page.value(&format!("{field}.dispatchEvent(new Event('input'))")).await;
    }
    page
}

/// Asks for the log and waits for the text that says how it went.
async fn show(page: &mut Page, state: &str) {
    page.value("document.getElementById('request').requestSubmit()").await;
    until_state(page, state).await;
}

async fn until_state(page: &mut Page, state: &str) {
    let text = "document.getElementById('state').textContent";
    page.until(&format!("{text} === {}", json!(state))).await;
}

/// The sentences of the log, from top to bottom.
async fn sentences(page: &mut Page) -> Vec<String> {
    let shown = "[...document.querySelectorAll('#log p')].map(({ textContent }) => textContent)";
    serde_json::from_value(page.value(shown).await).expect("a list of texts")
}

async fn create_patient(stack: &Stack) -> String {
    let created = stack.send(Method::POST, "patient", &patient(), 201).await;
    created["id"].as_str().expect("a patient has an id").to_owned()
}

#[tokio::test]
async fn it_tells_who_saw_a_patient_as_the_patient_would_be_told() {
    let stack = Stack::start().await;
    let laboratory = stack.local.key_of("laboratory");
    let id = create_patient(&stack).await;
    let path = format!("patient/{id}");
    let test = json!({"performer": "Lab", "orderReference": "A-1", "observations": []});
    for _ in 0..2 {
        let call = stack.call_with(laboratory, Method::POST, &format!("{path}/tests"));
        json_of(call.body(test.to_string()).send().await.expect("a response"), 201).await;
    }
    let call = stack.call_with(laboratory, Method::GET, &format!("{path}/tests"));
    json_of(call.header("X-Purpose-Of-Use", "ETREAT").send().await.expect("a response"), 200).await;
    stack.send(Method::POST, "patient/search", &json!({"id": id}), 200).await;
    let refused = stack.call_with(laboratory, Method::DELETE, &path);
    json_of(refused.send().await.expect("a response"), 403).await;
    let privacy_office = stack.local.key_of("privacy-office");
    let mut page = open(&stack, privacy_office, &format!(" {id} "), 1280).await;

    show(&mut page, "5 entries, the newest first.").await;
    let done = [
        "Developer found your patient record in a search.",
        "First laboratory read 2 of your test results.\
         Purpose: treatment in an emergency.",
        "First laboratory created one of your test results.",
        "First laboratory created one of your test results.",
        "Developer created your patient record.",
    ];
    assert_eq!(sentences(&mut page).await, done);
    let days = page.value("document.querySelectorAll('#log h2').length").await;
    assert!([json!(1), json!(2)].contains(&days), "{days}");

    page.value("document.getElementById('attempts').checked = true").await;
    show(&mut page, "6 entries, the newest first.").await;
    let all = sentences(&mut page).await;
    assert_eq!(all[0], "First laboratory tried to delete your patient record, and was refused.");
    assert_eq!(all[1..], done);
    let source = page.value("document.documentElement.outerHTML").await;
    assert!(!source.as_str().expect("text").contains(privacy_office));
}

#[tokio::test]
async fn it_goes_on_with_earlier_entries() {
    let stack = Stack::start().await;
    let id = create_patient(&stack).await;
    for _ in 0..105 {
        stack.send(Method::GET, &format!("patient/{id}"), &Value::Null, 200).await;
    }
    let mut page = open(&stack, stack.local.subscription_key(), &id, 1280).await;
    let more = "document.getElementById('more')";

    show(&mut page, "100 entries so far, the newest first.").await;
    page.value(&format!("{more}.click()")).await;
    until_state(&mut page, "106 entries, the newest first.").await;

    assert_eq!(page.value(&format!("{more}.hidden")).await, true);
    let sentences = sentences(&mut page).await;
    assert_eq!(sentences.len(), 106);
    assert_eq!(sentences[105], "Developer created your patient record.");
}

#[tokio::test]
async fn it_says_what_is_wrong_and_shows_nothing_then() {
    let stack = Stack::start().await;
    let id = create_patient(&stack).await;
    let mut page = open(&stack, stack.local.subscription_key(), &id, 1280).await;
    show(&mut page, "1 entry, the newest first.").await;
    let enter = async |page: &mut Page, field: &str, text: &str| {
        let set = format!("document.getElementById('{field}').value = {}", json!(text));
        page.value(&set).await;
    };

    enter(&mut page, "patient", "0190a6b2-1111-7abc-8def-0123456789ab").await;
    show(&mut page, "Nobody saw or changed this patient’s data.").await;
    enter(&mut page, "key", stack.local.key_of("laboratory")).await;
    show(&mut page, "The caller lacks the scope that this function needs.").await;
    enter(&mut page, "key", "\u{201c}key\u{201d}").await;
    page.value("document.getElementById('request').requestSubmit()").await;
    page.until("document.getElementById('state').textContent.includes('U+201C')").await;

    assert_eq!(sentences(&mut page).await, Vec::<String>::new());
    enter(&mut page, "patient", "../health").await;
    page.value("document.querySelector('#request button').click()").await;
    let invalid = "document.getElementById('patient').validationMessage";
    assert_ne!(page.value(invalid).await, "");
}

#[tokio::test]
async fn it_fits_a_phone_and_loads_nothing_from_elsewhere() {
    let stack = Stack::start().await;
    let id = create_patient(&stack).await;
    let mut page = open(&stack, stack.local.subscription_key(), &id, 390).await;
    show(&mut page, "1 entry, the newest first.").await;

    assert_eq!(page.value("document.documentElement.scrollWidth <= 390").await, true);
    let loaded = "performance.getEntriesByType('resource').map(({ name }) => new URL(name).origin)";
    let foreign = format!("{loaded}.filter((origin) => origin !== location.origin).length");
    assert_eq!(page.value(&foreign).await, 0);
    for part in ["", "/page.css", "/page.js"] {
        let url = format!("{}/access-log{part}", stack.local.url());
        let response = stack.client.get(url).send().await.expect("a response");
        assert_eq!(response.status(), 200, "{part}");
        let policy = response.headers()["content-security-policy"].to_str().expect("it is text");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    }
}
