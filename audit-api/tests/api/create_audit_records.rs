//! `CreateAuditRecords`, POST auditrecords

use mongodb::bson::doc;
use serde_json::{Value, json};
use stand_ins::mongo::{self, Proxy};
use uuid::Uuid;

use crate::helpers::{AuditApi, record};

/// An entry of the body.
fn entry(key: &str, record: &Value) -> Value {
    json!({"idempotencyKey": key, "record": record})
}

fn record_of(id: &str) -> Value {
    let mut record = record();
    record["resource"]["id"] = json!(id);
    record
}

/// The results of a call that succeeds.
async fn create_all(api: &AuditApi, entries: &[Value]) -> Vec<Value> {
    let call = api.app.call("POST", "auditrecords").json(&json!({"records": entries}));
    serde_json::from_value(call.expect(200).await.body).expect("a list of results")
}

fn statuses(results: &[Value]) -> Vec<u64> {
    results.iter().map(|result| result["status"].as_u64().expect("a status")).collect()
}

#[tokio::test]
async fn each_record_is_stored_as_if_it_came_alone() {
    let api = AuditApi::start().await;
    let records = [record_of("1"), record_of("2")];

    let results = create_all(&api, &[entry("a", &records[0]), entry("b", &records[1])]).await;

    assert_eq!(statuses(&results), [201, 201]);
    for (result, record) in results.iter().zip(&records) {
        let id = result["id"].as_str().expect("a record has an id");
        let mut loaded = api.app.call("GET", &format!("auditrecord/{id}")).expect(200).await.body;
        let stored = loaded.as_object_mut().expect("a record");
        assert_eq!(stored.remove("id"), Some(json!(id)));
        assert!(stored.remove("createdDate").is_some());
        assert_eq!(loaded, *record);
    }
}

#[tokio::test]
async fn a_key_has_one_record_by_either_function_and_within_one_call() {
    let api = AuditApi::start().await;
    let alone = api.create(&record_of("1")).header("Idempotency-Key", "k").expect(201).await;

    let results = create_all(
        &api,
        &[
            entry("k", &record_of("1")),
            entry("k", &record_of("2")),
            entry("new", &record_of("3")),
            entry("new", &record_of("3")),
            entry("new", &record_of("4")),
        ],
    )
    .await;

    assert_eq!(statuses(&results), [201, 422, 201, 201, 422]);
    assert_eq!(results[0], json!({"id": alone.body["id"], "status": 201, "replayed": true}));
    assert_eq!(results[1]["type"], "urn:problem:patient-records:idempotency-key-reused");
    assert_eq!(results[3]["id"], results[2]["id"]);
    assert_eq!(api.records.count_documents(doc! {}).await.unwrap(), 2);
    let again = api.create(&record_of("3")).header("Idempotency-Key", "new").expect(201).await;
    assert_eq!(again.header("Idempotency-Replayed"), Some("true"));
    assert_eq!(again.body["id"], results[2]["id"]);
}

#[tokio::test]
async fn an_invalid_record_keeps_no_other_out() {
    let api = AuditApi::start().await;
    let mut wrong = record_of("2");
    wrong["outcome"] = json!("perhaps");
    wrong["resource"]["type"] = json!(5);

    let results = create_all(
        &api,
        &[
            entry("a", &record_of("1")),
            entry("b", &wrong),
            json!({"record": record_of("3")}),
            entry("d e", &record_of("4")),
            json!(5),
            entry("f", &record_of("6")),
        ],
    )
    .await;

    assert_eq!(statuses(&results), [201, 400, 400, 400, 400, 201]);
    let pointers = |result: &Value| {
        let errors = result["errors"].as_array().expect("a list of errors").iter();
        errors
            .map(|error| error["pointer"].as_str().expect("a pointer").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(pointers(&results[1]), ["/record/resource/type", "/record/outcome"]);
    assert_eq!(pointers(&results[2]), ["/idempotencyKey"]);
    assert_eq!(pointers(&results[3]), ["/idempotencyKey"]);
    assert_eq!(pointers(&results[4]), [""]);
    assert!(!results[1].to_string().contains("perhaps"));
    assert_eq!(api.records.count_documents(doc! {}).await.unwrap(), 2);
}

#[tokio::test]
async fn a_body_without_records_and_one_with_too_many_are_refused() {
    let api = AuditApi::start().await;
    let call = |body: &Value| api.app.call("POST", "auditrecords").json(body).expect(400);
    let many = |count: usize| {
        let entries = (0..count).map(|number| entry(&number.to_string(), &record()));
        json!({"records": entries.collect::<Vec<_>>()})
    };

    let expected = "must be an array of 1 to 100 items";
    for body in [json!({"records": []}), json!({"records": {}}), many(101)] {
        assert_eq!(call(&body).await.wrong_fields(), [("/records", expected)]);
    }
    assert_eq!(call(&json!({})).await.wrong_fields(), [("/records", "is required")]);
    let unknown = json!({"records": [entry("a", &record())], "more": 1});
    assert_eq!(call(&unknown).await.wrong_fields(), [("/more", "is not a known field")]);
    assert_eq!(api.records.count_documents(doc! {}).await.unwrap(), 0);
    let whole = api.app.call("POST", "auditrecords").json(&many(100)).expect(200).await;
    let results = whole.body.as_array().expect("a list of results").clone();
    assert_eq!(statuses(&results), vec![201; 100]);
}

#[tokio::test]
async fn throttled_records_are_tried_again_until_all_are_stored() {
    let (api, connection_string) = AuditApi::start_named("audit-batch-throttled").await;
    let fail_point = mongo::fail_commands(
        &connection_string,
        "audit-batch-throttled",
        doc! { "failCommands": ["insert"], "errorCode": 16500, "mode": { "times": 2 } },
    )
    .await;

    let entries: Vec<_> = (0..5).map(|number| entry(&number.to_string(), &record())).collect();
    let results = create_all(&api, &entries).await;

    fail_point.clear().await;
    assert_eq!(statuses(&results), [201; 5]);
    assert_eq!(api.records.count_documents(doc! {}).await.unwrap(), 5);
}

#[tokio::test]
async fn records_whose_reply_was_lost_are_stored_once() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let api = AuditApi::start_on(&proxy.connection_string()).await;
    proxy.lose_next_reply_to("insert");

    let entries: Vec<_> = (0..5).map(|number| entry(&number.to_string(), &record())).collect();
    let results = create_all(&api, &entries).await;

    assert!(proxy.has_lost_all_replies());
    assert_eq!(statuses(&results), [201; 5]);
    assert_eq!(api.records.count_documents(doc! {}).await.unwrap(), 5);
}

#[tokio::test]
async fn a_database_that_refuses_has_a_problem_for_each_record() {
    let (api, connection_string) = AuditApi::start_named("audit-batch-refused").await;
    let fail_point = mongo::fail_commands(
        &connection_string,
        "audit-batch-refused",
        doc! { "failCommands": ["insert"], "errorCode": 13 },
    )
    .await;

    let entries = [entry("a", &record()), json!(5), entry("b", &record())];
    let results = create_all(&api, &entries).await;

    fail_point.clear().await;
    assert_eq!(statuses(&results), [503, 400, 503]);
    let logs = api.app.host.invocation_logs();
    assert!(logs.iter().any(|log| log.text.contains("database error 13")), "{logs:?}");
    let results = create_all(&api, &entries).await;
    assert_eq!(statuses(&results), [201, 400, 201]);
}

/// A rule of the database refuses one record, as a throttled partition or a document that is too
/// large would.
#[tokio::test]
async fn a_record_that_the_database_refuses_keeps_no_other_out() {
    let api = AuditApi::start().await;
    api.create(&record()).expect(201).await;
    let rule = doc! {
        "collMod": "audits", "validator": { "resource.id": { "$ne": "refused" } }
    };
    api.database.run_command(rule).await.unwrap();
    let key = Uuid::new_v4().to_string();

    let results = create_all(
        &api,
        &[
            entry("a", &record_of("1")),
            entry(&key, &record_of("refused")),
            entry("c", &record_of("3")),
            entry("a", &record_of("1")),
        ],
    )
    .await;

    assert_eq!(statuses(&results), [201, 503, 201, 201]);
    assert_eq!(api.records.count_documents(doc! {}).await.unwrap(), 3);
}
