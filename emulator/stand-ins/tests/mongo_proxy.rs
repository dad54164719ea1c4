//! The proxy loses replies, refuses connections and hangs on demand only.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::{Client, Collection};
use stand_ins::mongo::{self, Disturbance, Proxy};

struct Setup {
    proxy: Proxy,
    through: Collection<Document>,
    direct: Collection<Document>,
}

/// A collection through a proxy and directly. The driver does not retry, but waits long enough to
/// find its server again, which it tries twice a second.
async fn set_up() -> Setup {
    let server = mongo::for_tests().await;
    let proxy = Proxy::start(&server).await;
    let options = "retryWrites=false&retryReads=false&serverSelectionTimeoutMS=2000";
    let through = format!("{}&{options}", proxy.connection_string());
    let database = uuid::Uuid::now_v7().to_string();
    Setup {
        through: collection(&through, &database).await,
        direct: collection(&server, &database).await,
        proxy,
    }
}

async fn collection(connection_string: &str, database: &str) -> Collection<Document> {
    let client =
        Client::with_uri_str(connection_string).await.expect("the connection string is valid");
    client.database(database).collection("things")
}

async fn count(things: &Collection<Document>) -> u64 {
    things.count_documents(doc! {}).await.expect("counted")
}

/// Inserts until it succeeds: the driver takes a moment to find its server again.
async fn insert_eventually(things: &Collection<Document>) {
    for _ in 0..100 {
        if things.insert_one(doc! {}).await.is_ok() {
            return;
        }
    }
    panic!("the server never came back");
}

#[tokio::test]
async fn everything_passes_by_default() {
    let Setup { proxy, through, direct } = set_up().await;
    let large = "x".repeat(1_000_000);

    through.insert_one(doc! { "text": &large }).await.expect("inserted");

    let found = through.find_one(doc! { "text": &large }).await.expect("a reply");
    assert_eq!(found.expect("found").get_str("text").ok(), Some(large.as_str()));
    assert_eq!(count(&direct).await, 1);
    assert!(proxy.commands().ends_with(&["insert".into(), "find".into()]));
}

#[tokio::test]
async fn a_command_with_a_lost_reply_was_executed() {
    let Setup { proxy, through, direct } = set_up().await;

    proxy.lose_next_reply_to("insert");
    assert!(!proxy.has_lost_all_replies());
    through.insert_one(doc! { "_id": 1 }).await.expect_err("the reply is lost");

    assert!(proxy.has_lost_all_replies());
    assert_eq!(count(&direct).await, 1);
    let again = through.insert_one(doc! { "_id": 1 }).await.expect_err("it is there");
    assert!(again.to_string().contains("11000"), "{again}");
}

#[tokio::test]
async fn every_other_write_loses_its_reply_until_that_is_ended() {
    let Setup { proxy, through, direct } = set_up().await;

    proxy.disturb(Disturbance::LostReplies);
    through.insert_one(doc! {}).await.expect("the first one keeps its reply");
    assert_eq!(count(&through).await, 1);
    through.insert_one(doc! {}).await.expect_err("the reply is lost");
    assert_eq!(count(&direct).await, 2);

    proxy.stop_disturbing(Disturbance::LostReplies);
    insert_eventually(&through).await;
    through.insert_one(doc! {}).await.expect("it keeps its reply");
    assert_eq!(count(&direct).await, 4);
}

#[tokio::test]
async fn other_commands_keep_their_replies() {
    let Setup { proxy, through, .. } = set_up().await;

    proxy.lose_next_reply_to("update");

    through.insert_one(doc! {}).await.expect("inserted");
    assert_eq!(count(&through).await, 1);
    assert!(!proxy.has_lost_all_replies());
}

#[tokio::test]
async fn nothing_is_forwarded_while_refusing() {
    let Setup { proxy, through, direct } = set_up().await;
    through.insert_one(doc! {}).await.expect("inserted");

    proxy.refuse();
    through.insert_one(doc! {}).await.expect_err("refused");
    assert_eq!(count(&direct).await, 1);

    proxy.accept();
    insert_eventually(&through).await;
    assert_eq!(count(&direct).await, 2);
}

#[tokio::test]
async fn a_command_that_hangs_never_reaches_the_server() {
    let Setup { proxy, through, direct } = set_up().await;
    through.insert_one(doc! {}).await.expect("inserted");

    proxy.hang();
    let insert = through.insert_one(doc! {}).into_future();
    let limit = Duration::from_millis(200);
    tokio::time::timeout(limit, insert).await.expect_err("no reply");

    proxy.accept();
    insert_eventually(&through).await;
    assert_eq!(count(&direct).await, 2);
}

#[tokio::test]
async fn a_fake_reply_reaches_the_client_and_its_command_not_the_server() {
    let Setup { proxy, through, direct } = set_up().await;
    let throttled = doc! { "ok": 0, "code": 16500, "errmsg": "Error=16500, RetryAfterMs=34" };
    proxy.reply_instead("insert", 1, throttled);

    let error = through.insert_one(doc! {}).await.expect_err("throttled").to_string();

    assert!(error.contains("RetryAfterMs=34"), "{error}");
    assert_eq!(count(&direct).await, 0);
    through.insert_one(doc! {}).await.expect("one time only");
    assert_eq!(count(&direct).await, 1);
}

#[tokio::test]
async fn a_reply_that_is_held_back_arrives_when_it_is_forwarded_or_never() {
    let Setup { proxy, through, direct } = set_up().await;
    for is_lost in [false, true] {
        let mut reply = proxy.hold_next_reply_to("insert");
        let inserting = tokio::spawn({
            let through = through.clone();
            async move { through.insert_one(doc! { "_id": is_lost }).await }
        });
        reply.arrived().await;
        assert!(!inserting.is_finished());
        assert_eq!(direct.count_documents(doc! { "_id": is_lost }).await.expect("counted"), 1);

        if is_lost {
            reply.lose()
        } else {
            reply.forward()
        }
        assert_eq!(inserting.await.expect("it ran").is_err(), is_lost);
    }
}

#[tokio::test]
async fn a_command_that_is_held_back_is_executed_later_although_its_client_is_gone() {
    let Setup { proxy, through, direct } = set_up().await;
    let mut command = proxy.hold_next("insert");
    let inserting = tokio::spawn(async move { through.insert_one(doc! {}).await });
    command.arrived().await;
    assert_eq!(count(&direct).await, 0);

    inserting.abort();
    inserting.await.expect_err("it was aborted");
    command.execute().await;

    assert_eq!(count(&direct).await, 1);
}
