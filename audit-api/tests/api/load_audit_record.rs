//! `LoadAuditRecord`, GET auditrecord/{auditRecordId}

use mongodb::bson::{DateTime, doc};
use serde_json::json;
use uuid::Uuid;

use crate::helpers::{AuditApi, record};

#[tokio::test]
async fn a_record_is_returned_as_it_was_created() {
    let api = AuditApi::start().await;
    let created = api.create(&record()).expect(201).await;
    let path = created.header("Location").unwrap();

    let loaded = api.app.call("GET", path).expect(200).await;

    assert_eq!(loaded.body, created.body);
    assert_eq!(loaded.header("Cache-Control"), Some("no-store"));
    assert_eq!(loaded.header("ETag"), None);
    let shouted = format!("auditrecord/{}", created.body["id"].as_str().unwrap().to_uppercase());
    assert_eq!(api.app.call("GET", &shouted).expect(200).await.body, created.body);
}

#[tokio::test]
async fn a_record_of_the_scaffold_is_returned() {
    let api = AuditApi::start().await;
    let id = Uuid::new_v4().to_string();
    let stored = doc! {
        "_id": &id, "_shardKey": &id, "id": &id,
        "createdDate": DateTime::parse_rfc3339_str("2020-05-14T15:14:15.120Z").unwrap(),
        "sourceSystemName": "PatientTestApi",
        "resource": { "id": "1", "type": "patient", "operation": "find" },
    };
    api.store_all(vec![stored]).await;

    let loaded = api.app.call("GET", &format!("auditrecord/{id}")).expect(200).await;

    let expected = json!({
        "id": id, "createdDate": "2020-05-14T15:14:15.120Z", "sourceSystemName": "PatientTestApi",
        "resource": {"id": "1", "type": "patient", "operation": "find"}
    });
    assert_eq!(loaded.body, expected);
}

#[tokio::test]
async fn an_unknown_or_malformed_id_is_not_found() {
    let api = AuditApi::start().await;
    api.create(&record()).expect(201).await;

    for id in [Uuid::new_v4().to_string(), "7".to_owned(), "search".to_owned()] {
        let refused = api.app.call("GET", &format!("auditrecord/{id}")).expect(404).await;
        assert_eq!(refused.problem(), "not-found", "{id}");
    }
}

#[tokio::test]
async fn query_parameters_and_preconditions_are_refused() {
    let api = AuditApi::start().await;
    let created = api.create(&record()).expect(201).await;
    let path = created.header("Location").unwrap();

    let query = api.app.call("GET", &format!("{path}?limit=1")).expect(400).await;
    let versioned = api.app.call("GET", path).header("If-Match", "\"1\"").expect(412).await;

    assert_eq!(query.body["detail"], "The query parameter \"limit\" is unknown.");
    assert_eq!(versioned.problem(), "version-mismatch");
}
