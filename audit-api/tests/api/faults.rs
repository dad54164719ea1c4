//! The register when its database fails: every confirmed record is stored, and every page is whole.

use mongodb::bson::doc;
use serde_json::json;
use stand_ins::mongo::{self, Proxy};

use crate::helpers::{AuditApi, record};

#[tokio::test]
async fn a_throttled_record_is_tried_again_until_it_is_stored() {
    let app_name = "audit-throttled";
    let (api, connection_string) = AuditApi::start_named(app_name).await;
    let fail_point = mongo::fail_commands(
        &connection_string,
        app_name,
        doc! { "failCommands": ["insert"], "errorCode": 16500, "mode": { "times": 2 } },
    )
    .await;

    api.create(&record()).expect(201).await;

    fail_point.clear().await;
    assert_eq!(api.records.count_documents(doc! {}).await.unwrap(), 1);
    let logs = api.app.host.invocation_logs();
    assert_eq!(logs.len(), 2, "{logs:?}");
    assert!(logs[0].text.contains("database error 16500"), "{logs:?}");
}

#[tokio::test]
async fn a_record_whose_reply_was_lost_is_stored_once() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let api = AuditApi::start_on(&proxy.connection_string()).await;
    proxy.lose_next_reply_to("insert");

    api.create(&record()).expect(201).await;

    assert!(proxy.has_lost_all_replies());
    assert_eq!(api.records.count_documents(doc! {}).await.unwrap(), 1);
}

#[tokio::test]
async fn a_database_that_refuses_is_unavailable() {
    let app_name = "audit-refused";
    let (api, connection_string) = AuditApi::start_named(app_name).await;
    let fail_point = mongo::fail_commands(
        &connection_string,
        app_name,
        doc! { "failCommands": ["insert"], "errorCode": 13 },
    )
    .await;

    let refused = api.create(&record()).expect(503).await;

    fail_point.clear().await;
    assert_eq!(refused.problem(), "unavailable");
    assert_eq!(refused.header("Retry-After"), Some("5"));
    let logs = api.app.host.invocation_logs();
    assert!(logs.iter().any(|log| log.text.contains("database error 13")), "{logs:?}");
    api.create(&record()).expect(201).await;
}

#[tokio::test]
async fn a_throttled_search_is_tried_again_until_it_has_its_page() {
    let app_name = "audit-search-throttled";
    let (api, connection_string) = AuditApi::start_named(app_name).await;
    let id = api.create(&record()).expect(201).await.body["id"].clone();
    let fail_point = mongo::fail_commands(
        &connection_string,
        app_name,
        doc! { "failCommands": ["find"], "errorCode": 16500, "mode": { "times": 2 } },
    )
    .await;

    let found = api.found(&json!({"resourceId": record()["resource"]["id"]})).await;

    fail_point.clear().await;
    assert_eq!(json!(found), json!([id]));
}

#[tokio::test]
async fn a_search_that_the_database_refuses_is_unavailable_and_has_no_records() {
    let app_name = "audit-search-refused";
    let (api, connection_string) = AuditApi::start_named(app_name).await;
    let id = api.create(&record()).expect(201).await.body["id"].clone();
    let id = id.as_str().expect("a record has an id");
    let criteria = json!({"resourceId": record()["resource"]["id"]});
    let fail_point = mongo::fail_commands(
        &connection_string,
        app_name,
        doc! { "failCommands": ["find"], "errorCode": 13 },
    )
    .await;

    let search = api.search("", &criteria).expect(503).await;
    let load = api.app.call("GET", &format!("auditrecord/{id}")).expect(503).await;

    fail_point.clear().await;
    for refused in [search, load] {
        assert_eq!(refused.problem(), "unavailable");
        assert_eq!(refused.header("Retry-After"), Some("5"));
    }
    assert_eq!(api.found(&criteria).await, [id]);
}
