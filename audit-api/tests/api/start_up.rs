//! Settings, and the executable without a host.

use std::process::Command;

use futures_util::TryStreamExt;
use mongodb::Client;
use mongodb::bson::Document;
use stand_ins::mongo::{self, create_collections};

use crate::helpers::printed_plan;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_audit-api");

#[test]
fn wrong_settings_are_named_at_once_and_without_their_values() {
    let output = Command::new(EXECUTABLE)
        .env_clear()
        .env("MONGO_CONNECTION_STRING", "mongo://user:secret@host")
        .env("RUST_LOG", "shared=loud")
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "audit-api: AUDIT_DATABASE is missing; FUNCTIONS_CUSTOMHANDLER_PORT is missing; \
         MONGO_CONNECTION_STRING is not a MongoDB connection string; \
         RUST_LOG is not a log filter like info or shared=debug,warn\n"
    );
}

#[tokio::test]
async fn the_printed_plan_makes_the_collections_and_their_indexes() {
    let plan = printed_plan();
    let connection_string = mongo::for_tests().await;
    let database = format!("plan-{}", uuid::Uuid::new_v4().simple());

    create_collections(&connection_string, &database, &plan.collections).await.unwrap();

    assert_eq!(plan.database_setting, "AUDIT_DATABASE");
    let client = Client::with_uri_str(&connection_string).await.unwrap();
    let audits = client.database(&database).collection::<Document>("audits");
    let indexes: Vec<_> = audits.list_indexes().await.unwrap().try_collect().await.unwrap();
    let keys: Vec<_> = indexes.iter().map(|index| index.keys.to_string()).collect();
    assert_eq!(
        keys,
        [
            r#"{ "_id": 1 }"#,
            r#"{ "createdDate": 1, "_id": 1 }"#,
            r#"{ "resource.id": 1 }"#,
            r#"{ "resource.patientId": 1 }"#,
            r#"{ "resource.disclosed": 1 }"#,
            r#"{ "actor.userId": 1 }"#,
            r#"{ "actor.subscriptionId": 1 }"#,
            r#"{ "traceId": 1 }"#,
            r#"{ "relatesTo": 1 }"#
        ]
    );
}
