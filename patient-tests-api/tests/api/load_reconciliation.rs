//! `LoadReconciliation`: the newest report, for operators.

use mongodb::bson::{DateTime, Document, doc};
use serde_json::json;
use stand_ins::audit_api::Behaviour;

use crate::helpers::{PatientTestsApi, unknown_id};

#[tokio::test]
async fn before_the_first_run_there_is_no_report() {
    let api = PatientTestsApi::start().await;

    let missing = api.call("GET", "reconciliation").expect(404).await;

    assert_eq!(missing.problem(), "not-found");
    let record = &api.audit.records()[0].body;
    assert_eq!(record["resource"], json!({"type": "reconciliation", "operation": "read"}));
    assert_eq!(record["outcome"], "notFound");
    api.call("GET", "reconciliation?limit=5").expect(400).await;
    api.call("GET", "reconciliation").header("If-Match", "\"1\"").expect(412).await;
}

#[tokio::test]
async fn the_report_that_goes_furthest_is_returned_with_a_record_of_its_ids() {
    let api = PatientTestsApi::start().await;
    let patient_id = unknown_id();
    let date = DateTime::parse_rfc3339_str("2099-05-14T15:15:00Z").unwrap();
    let finding = doc! { "resourceType": "patient", "id": &patient_id, "problem": "namesNoRecord" };
    let report = doc! {
        "_id": "2099-05-14T15:15:00.000Z", "_shardKey": "reconciliation", "from": date, "to": date,
        "createdDate": date, "intents": 7_i64, "versions": 8_i64, "failed": 1_i64,
        "succeeded": 2_i64, "findingsCount": 1_i64, "findings": [finding],
    };
    api.database.collection::<Document>("reconciliation").insert_one(report).await.unwrap();

    let loaded = api.call("GET", "reconciliation").expect(200).await;

    let moment = "2099-05-14T15:15:00.000Z";
    let expected = json!({
        "from": moment, "to": moment, "createdDate": moment, "intents": 7, "versions": 8,
        "failed": 1, "succeeded": 2, "findingsCount": 1,
        "findings": [
            {"resourceType": "patient", "id": patient_id, "problem": "namesNoRecord"}
        ]
    });
    assert_eq!(loaded.body, expected);
    let records = api.audit.records();
    assert_eq!(records.last().unwrap().body["resource"]["disclosed"], json!([patient_id]));

    api.audit.behave(Behaviour::Status(400));
    let refused = api.call("GET", "reconciliation").expect(503).await;
    assert!(!refused.text.contains(&patient_id));
}
