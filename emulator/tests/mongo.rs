//! A mongod of one's own does what tests need of it.

use std::time::Duration;

use emulator::mongo::{self, Mongod, MongodOptions};
use mongodb::bson::{Document, doc};
use mongodb::{Client, Collection};

/// A collection of a database that no other test uses.
async fn collection(connection_string: &str) -> Collection<Document> {
    let client = Client::with_uri_str(connection_string)
        .await
        .expect("the connection string is valid");
    let database = client.database(&uuid::Uuid::now_v7().to_string());
    database.collection("things")
}

/// Waits until the condition holds; the limit is there so that a failure ends.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never happened: {what}");
}

#[tokio::test]
async fn a_test_gets_a_server() {
    let things = collection(&mongo::for_tests().await).await;

    things
        .insert_one(doc! { "_id": 1 })
        .await
        .expect("inserted");

    assert_eq!(things.count_documents(doc! {}).await.expect("counted"), 1);
}

#[tokio::test]
async fn tests_share_one_server() {
    assert_eq!(mongo::for_tests().await, mongo::for_tests().await);
}

#[tokio::test]
async fn acknowledged_writes_survive_a_crash() {
    let mut server = Mongod::start(MongodOptions::default())
        .await
        .expect("a server starts");
    let connection_string = mongo::with_option(&server.connection_string(), "journal", "true");
    let things = collection(&connection_string).await;
    things
        .insert_one(doc! { "_id": 1 })
        .await
        .expect("inserted");

    server.kill();
    server.restart().await.expect("it starts again");

    assert_eq!(things.count_documents(doc! {}).await.expect("counted"), 1);
}
