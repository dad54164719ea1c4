//! `LoadPatientHistory`, GET patient/{patientId}/history/{version?}

use mongodb::bson::doc;
use serde_json::{Value, json};

use crate::helpers::{PatientTestsApi, patient_with, unknown_id};

/// An app with a patient that was created as Ada, renamed to Augusta, deleted and restored.
async fn with_four_versions() -> (PatientTestsApi, String) {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let path = format!("patient/{id}");
    api.rename_patient(&id, "Augusta").await;
    api.call("DELETE", &path).expect(204).await;
    api.call("POST", &format!("{path}/restore")).json(&json!({"version": 1})).expect(200).await;
    (api, id)
}

#[tokio::test]
async fn the_versions_are_listed_newest_first_with_the_records_that_announced_them() {
    let (api, id) = with_four_versions().await;
    let records = api.records_since(0);
    let recorded = records.len();

    let listed = api.call("GET", &format!("patient/{id}/history")).expect(200).await;

    let versions = listed.body.as_array().unwrap();
    let facts: Vec<_> = versions
        .iter()
        .map(|it| (&it["version"], &it["operation"], &it["deleted"], &it["auditRecordId"]))
        .collect();
    let id_of = |index: usize| json!(records[index].id);
    assert_eq!(
        facts,
        [
            (&json!(4), &json!("restore"), &json!(false), &id_of(3)),
            (&json!(3), &json!("delete"), &json!(true), &id_of(2)),
            (&json!(2), &json!("update"), &json!(false), &id_of(1)),
            (&json!(1), &json!("create"), &json!(false), &id_of(0)),
        ]
    );
    let times: Vec<_> = versions.iter().map(|it| it["lastUpdated"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
    assert_eq!((listed.header("Link"), listed.header("ETag")), (None, None));
    let [record] = &api.records_since(recorded)[..] else { panic!("one record of the read") };
    assert_eq!(record.body["outcome"], "succeeded");
    assert_eq!(
        record.body["resource"],
        json!({
            "type": "patient", "operation": "read", "id": id, "patientId": id, "disclosed": [id]
        })
    );
}

#[tokio::test]
async fn an_earlier_version_has_its_content_and_its_own_etag() {
    let (api, id) = with_four_versions().await;
    let recorded = api.audit.records().len();
    for (version, name) in [("1", "Ada"), ("2", "Augusta"), ("4", "Ada")] {
        let path = format!("patient/{id}/history/{version}");

        let loaded = api.call("GET", &path).expect(200).await;

        let etag = format!("\"{version}\"");
        assert_eq!(loaded.header("ETag"), Some(etag.as_str()));
        assert_eq!((&loaded.body["firstName"], &loaded.body["id"]), (&json!(name), &json!(id)));
        let known = api.call("GET", &path).header("If-None-Match", &etag).expect(304).await;
        assert_eq!(known.text, "");
        api.call("GET", &path).header("If-Match", "\"9\"").expect(412).await;
    }

    let records = api.records_since(recorded);
    let resource = |version: u8, disclosed: Value| {
        let mut resource = json!({
            "type": "patient", "operation": "read", "id": id, "patientId": id, "version": version
        });
        if !disclosed.is_null() {
            resource["disclosed"] = disclosed;
        }
        resource
    };
    assert_eq!(records[0].body["resource"], resource(1, json!([id])));
    assert_eq!(records[1].body["resource"], resource(1, json!([])));
    assert_eq!(records[2].body["resource"], resource(1, Value::Null));
    assert_eq!(records[2].body["outcome"], "refused");
}

#[tokio::test]
async fn a_deletion_has_no_content_and_what_is_no_version_is_not_found() {
    let (api, id) = with_four_versions().await;
    let gone = api.call("GET", &format!("patient/{id}/history/3")).expect(410).await;
    assert_eq!(gone.problem(), "deleted");

    for missing in ["5", "0", "-1", "01", "1.0", "latest"] {
        let path = format!("patient/{id}/history/{missing}");
        assert_eq!(api.call("GET", &path).expect(404).await.problem(), "not-found", "{missing}");
    }
    for path in [
        format!("patient/{}/history", unknown_id()),
        format!("patient/{}/history/1", unknown_id()),
        "patient/abc/history".to_owned(),
    ] {
        assert_eq!(api.call("GET", &path).expect(404).await.problem(), "not-found", "{path}");
    }
}

#[tokio::test]
async fn a_deleted_patient_still_has_a_history() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    api.call("DELETE", &format!("patient/{id}")).expect(204).await;

    let listed = api.call("GET", &format!("patient/{id}/history")).expect(200).await;

    assert_eq!(listed.body.as_array().unwrap().len(), 2);
    let first = api.call("GET", &format!("patient/{id}/history/1")).expect(200).await;
    assert_eq!(first.body["firstName"], "Ada");
}

#[tokio::test]
async fn pages_lose_and_repeat_no_version() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    for number in 2..=7 {
        api.rename_patient(&id, &format!("Ada {number}")).await;
    }
    for (limit, pages) in [(1, 7), (2, 4), (3, 3), (7, 1), (100, 1)] {
        let mut versions = Vec::new();
        let mut next = Some(format!("?limit={limit}"));
        let mut pages_read = 0;
        while let Some(query) = next {
            let page = api.call("GET", &format!("patient/{id}/history{query}")).expect(200).await;
            let items = page.body.as_array().unwrap();
            versions.extend(items.iter().map(|item| item["version"].as_i64().unwrap()));
            next = page.next_page();
            pages_read += 1;
        }
        assert_eq!(versions, [7, 6, 5, 4, 3, 2, 1], "{limit}");
        assert_eq!(pages_read, pages, "{limit}");
    }
}

#[tokio::test]
async fn bad_queries_and_preconditions_on_the_list_are_refused_and_unrecorded() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    for query in ["?cursor=0", "?cursor=-1", "?cursor=abc", "?cursor=01", "?limit=0", "?other=1"] {
        let refused = api.call("GET", &format!("patient/{id}/history{query}")).expect(400).await;
        assert_eq!(refused.problem(), "invalid-request", "{query}");
    }
    let one = api.call("GET", &format!("patient/{id}/history/1?limit=1")).expect(400).await;
    assert_eq!(one.problem(), "invalid-request");
    api.call("GET", &format!("patient/{id}/history")).header("If-Match", "*").expect(412).await;
    assert_eq!(api.audit.records().len(), 1);
}

#[tokio::test]
async fn a_copy_of_the_current_version_is_not_listed_twice() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    // As if the app had been killed between the copy and the replacement, once for a version that
    // never was.
    let mut copy = api.patients().find_one(doc! {}).await.unwrap().unwrap();
    copy.insert("_id", format!("{id}:1"));
    api.patient_versions().insert_one(&copy).await.unwrap();
    copy.insert("_id", format!("{id}:2"));
    copy.insert("_version", 2i64);
    api.patient_versions().insert_one(&copy).await.unwrap();

    let listed = api.call("GET", &format!("patient/{id}/history")).expect(200).await;

    assert_eq!(listed.body.as_array().unwrap().len(), 1);
    api.call("GET", &format!("patient/{id}/history/1")).expect(200).await;
    api.call("GET", &format!("patient/{id}/history/2")).expect(404).await;
}

#[tokio::test]
async fn the_history_keeps_fields_that_this_app_does_not_know() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let addition =
        doc! { "$set": { "maidenName": "Byron", "_note": { "by": ["another", "app"] } } };
    api.patients().update_one(doc! { "_id": &id }, addition).await.unwrap();
    let before = api.patients().find_one(doc! {}).await.unwrap().unwrap();

    let body = patient_with("id", json!(id));
    api.call("PUT", &format!("patient/{id}")).json(&body).expect(200).await;

    let mut kept = api.patient_versions().find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(kept.get_str("_id").unwrap(), format!("{id}:1"));
    kept.insert("_id", &id);
    assert_eq!(kept, before);
}

#[tokio::test]
async fn versions_that_earlier_releases_replaced_are_missing_and_end_the_list() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let replaced = doc! { "$set": { "_version": 5_000i64 } };
    api.patients().update_one(doc! { "_id": &id }, replaced).await.unwrap();
    api.rename_patient(&id, "Augusta").await;

    let listed = api.call("GET", &format!("patient/{id}/history")).expect(200).await;

    let versions: Vec<_> =
        listed.body.as_array().unwrap().iter().map(|it| it["version"].as_i64().unwrap()).collect();
    assert_eq!((versions, listed.header("Link")), (vec![5_001, 5_000], None));
    api.call("GET", &format!("patient/{id}/history/4999")).expect(404).await;
}
