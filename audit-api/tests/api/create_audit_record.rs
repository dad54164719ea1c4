//! `CreateAuditRecord`, POST auditrecord

use mongodb::bson::doc;
use serde_json::json;

use crate::helpers::{AuditApi, record};

#[tokio::test]
async fn a_record_is_stored_and_returned_with_id_and_date() {
    let api = AuditApi::start().await;

    let created = api.create(&record()).expect(201).await;

    let id = created.body["id"].as_str().unwrap();
    assert_eq!(created.header("Location"), Some(format!("auditrecord/{id}").as_str()));
    let mut expected = record();
    expected["id"] = json!(id);
    expected["createdDate"] = created.body["createdDate"].clone();
    assert_eq!(created.body, expected);
    let stored = api.records.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(stored.get_str("_id").unwrap(), id);
    assert_eq!(stored.get_str("_shardKey").unwrap(), id);
    assert_eq!(stored.get_str("id").unwrap(), id);
    assert_eq!(stored.get_str("_requestHash").unwrap().len(), 64);
    let resource = stored.get_document("resource").unwrap();
    assert_eq!(resource.get_document("query").unwrap().get_str("postCode").unwrap(), "2000");
    let created_date = created.body["createdDate"].as_str().unwrap();
    let created_date = mongodb::bson::DateTime::parse_rfc3339_str(created_date).unwrap();
    assert_eq!(*stored.get_datetime("createdDate").unwrap(), created_date);
}

#[tokio::test]
async fn the_four_fields_of_the_scaffold_are_enough() {
    let api = AuditApi::start().await;
    let body = json!({
        "sourceSystemName": "Other",
        "resource": {"type": "patient", "id": "1", "operation": "find"}
    });

    let created = api.create(&body).expect(201).await;

    assert_eq!(created.body["resource"], body["resource"]);
    assert!(created.body.get("outcome").is_none());
}

#[tokio::test]
async fn every_wrong_field_is_listed_and_nothing_is_stored() {
    let api = AuditApi::start().await;
    let with = |pointer: &str, value| {
        let mut body = record();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let refusals = [
        (json!({}), vec!["/sourceSystemName", "/resource"]),
        (with("/sourceSystemName", json!("")), vec!["/sourceSystemName"]),
        (with("/resource", json!("patient")), vec!["/resource"]),
        (with("/resource", json!({})), vec!["/resource/type", "/resource/operation"]),
        (with("/resource/disclosed", json!(vec!["1"; 1001])), vec!["/resource/disclosed"]),
        (with("/resource/disclosed", json!(["1", 2])), vec!["/resource/disclosed/1"]),
        (with("/resource/query", json!({"postCode": 1})), vec!["/resource/query/postCode"]),
        (with("/resource/query", json!({"a\0b": "x"})), vec!["/resource/query/a\0b"]),
        (with("/resource/query", json!({"a": "1".repeat(257)})), vec!["/resource/query/a"]),
        (with("/resource/type", json!("\u{200b}")), vec!["/resource/type"]),
        (with("/actor/userId", json!("a\u{202e}b")), vec!["/actor/userId"]),
        (with("/actor/organisation", json!("")), vec!["/actor/organisation"]),
        (with("/actor/clientId", json!(7)), vec!["/actor/clientId"]),
        (with("/purpose", json!(["TREAT"])), vec!["/purpose"]),
        (with("/outcome", json!("maybe")), vec!["/outcome"]),
        (with("/relatesTo", json!("7")), vec!["/relatesTo"]),
        (with("/traceId", json!("7")), vec!["/traceId"]),
        (with("/actor", json!({"name": "x"})), vec!["/actor/name"]),
    ];

    for (body, pointers) in refusals {
        let refused = api.create(&body).expect(400).await;

        assert_eq!(refused.problem(), "invalid-request");
        let named: Vec<_> = refused.wrong_fields().into_iter().map(|(at, _)| at).collect();
        assert_eq!(named, pointers, "{body}");
    }
    assert_eq!(api.records.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn other_refusals_store_nothing_either() {
    let api = AuditApi::start().await;
    let call = || api.app.call("POST", "auditrecord");

    assert_eq!(call().expect(400).await.problem(), "invalid-request");
    assert_eq!(call().bytes("{").expect(400).await.problem(), "invalid-request");
    let binary = call().header("Content-Type", "application/octet-stream").json(&record());
    assert_eq!(binary.expect(415).await.problem(), "unsupported-media-type");
    let large = call().bytes(format!("\"{}\"", "x".repeat(1 << 20)));
    assert_eq!(large.expect(413).await.problem(), "too-large");
    let body = record().to_string();
    let mut damaged = body.replace("nurse-1", "M").into_bytes();
    let at = body.find("nurse-1").unwrap();
    damaged[at] = 0xfc;
    assert_eq!(call().bytes(damaged).expect(400).await.problem(), "invalid-request");
    let nested = call().bytes("[".repeat(127) + &"]".repeat(127)).expect(400).await;
    assert_eq!(nested.body["detail"], "The body is nested more than 32 levels deep.");
    let twice = body.replacen('{', "{\"outcome\":\"failed\",", 1);
    let twice = call().bytes(twice).expect(400).await;
    assert_eq!(twice.wrong_fields(), [("/outcome", "occurs more than once")]);
    let unknown: Vec<_> = (0..90_000).map(|number| format!("\"u{number}\":1")).collect();
    let many = call().bytes(format!("{{{}}}", unknown.join(","))).expect(400).await;
    assert_eq!(many.wrong_fields().len(), 100);
    let query = api.app.call("POST", "auditrecord?dry=run").json(&record()).expect(400).await;
    assert_eq!(query.body["detail"], "The query parameter \"dry\" is unknown.");
    assert_eq!(query.header("Cache-Control"), Some("no-store"));
    let versioned = api.create(&record()).header("If-Match", "*").expect(412).await;
    assert_eq!(versioned.problem(), "version-mismatch");
    let bad_key = api.create(&record()).header("Idempotency-Key", "two words");
    assert_eq!(bad_key.expect(400).await.problem(), "invalid-request");
    assert_eq!(api.records.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn a_repeated_request_creates_one_record_and_other_content_is_refused() {
    let api = AuditApi::start().await;
    let first = api.create(&record()).header("Idempotency-Key", "k-1").expect(201).await;

    let second = api.create(&record()).header("Idempotency-Key", "k-1").expect(201).await;
    let mut other = record();
    other["outcome"] = json!("failed");
    let refused = api.create(&other).header("Idempotency-Key", "k-1").expect(422).await;

    assert_eq!(first.header("Idempotency-Replayed"), None);
    assert_eq!(second.header("Idempotency-Replayed"), Some("true"));
    assert_eq!(first.body, second.body);
    assert_eq!(refused.problem(), "idempotency-key-reused");
    assert_eq!(api.records.count_documents(doc! {}).await.unwrap(), 1);
}

#[tokio::test]
async fn a_thousand_disclosed_ids_fit() {
    let api = AuditApi::start().await;
    let mut body = record();
    body["resource"]["disclosed"] = json!(vec!["0190a6b2-1111-7abc-8def-0123456789ab"; 1000]);

    let created = api.create(&body).expect(201).await;

    assert_eq!(created.body["resource"]["disclosed"].as_array().unwrap().len(), 1000);
}
