//! Pages of large tests: limited in bytes, and fetched in portions.

use mongodb::bson::doc;
use serde_json::{Value, json};

use crate::helpers::{PatientTestsApi, medical_test, medical_test_with};

/// A valid test of nearly 1 MiB.
fn large_test() -> Value {
    let observation = json!({
        "id": "1", "code": "4548-4", "measurement": "5".repeat(4096), "status": "final",
        "issued": "2020-05-14"
    });
    medical_test_with("observations", json!(vec![observation; 245]))
}

/// All pages of a patient's tests: their lengths in bytes and their ids.
async fn pages(api: &PatientTestsApi, path: &str) -> Vec<(usize, Vec<String>)> {
    let mut pages = Vec::new();
    let mut next = Some(String::new());
    while let Some(query) = next {
        let page = api.call("GET", &format!("{path}{query}")).expect(200).await;
        let items = page.body.as_array().unwrap();
        let ids = items.iter().map(|test| test["id"].as_str().unwrap().to_owned()).collect();
        pages.push((page.text.len(), ids));
        next = page.next_page();
    }
    pages
}

#[tokio::test]
async fn a_page_ends_after_four_mebibytes_and_leads_on() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let path = format!("patient/{patient_id}/tests");
    let mut all = Vec::new();
    for number in 0..9 {
        let body = if number % 2 == 0 { large_test() } else { medical_test() };
        let created = api.call("POST", &path).json(&body).expect(201).await;
        all.push(created.body["id"].as_str().unwrap().to_owned());
    }
    all.sort_unstable();

    let pages = pages(&api, &path).await;

    assert!(pages.len() > 1, "{pages:?}");
    assert!(pages.iter().all(|(bytes, _)| *bytes <= 4 << 20), "{pages:?}");
    let listed: Vec<_> = pages.into_iter().flat_map(|(_, ids)| ids).collect();
    assert_eq!(listed, all);
}

#[tokio::test]
async fn an_item_that_is_larger_than_a_page_is_a_page_of_its_own() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let path = format!("patient/{patient_id}/tests");
    let mut all = [api.create_test(&patient_id).await, api.create_test(&patient_id).await];
    all.sort_unstable();
    // Too large for the API; only the scaffold accepted it.
    let huge = doc! { "$set": { "performer": "x".repeat(5 << 20) } };
    api.tests().update_one(doc! { "_id": &all[0] }, huge).await.unwrap();

    let pages = pages(&api, &path).await;

    let ids: Vec<_> = pages.into_iter().map(|(_, ids)| ids).collect();
    assert_eq!(ids, [vec![all[0].clone()], vec![all[1].clone()]]);
}

#[tokio::test]
async fn portions_lose_and_repeat_nothing() {
    let api = PatientTestsApi::start().await;
    let patient_id = api.create_patient().await;
    let path = format!("patient/{patient_id}/tests");
    let mut all = Vec::new();
    for _ in 0..60 {
        all.push(api.create_test(&patient_id).await);
    }
    all.sort_unstable();

    for limit in [1, 4, 5, 6, 24, 25, 26, 59, 60, 61] {
        let first = format!("{path}?limit={limit}");
        let page = api.call("GET", &first).expect(200).await;
        let items = page.body.as_array().unwrap();
        let ids: Vec<_> = items.iter().map(|test| test["id"].as_str().unwrap()).collect();

        assert_eq!(ids, all[..limit.min(60)], "{limit}");
        assert_eq!(page.header("Link").is_some(), limit < 60, "{limit}");
    }
}
