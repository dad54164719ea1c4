//! The mongod stand-in provides what tests need.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use mongodb::bson::{Document, doc};
use mongodb::{Client, Collection};
use stand_ins::eventually;
use stand_ins::mongo::{self, CollectionPlan, Mongod, MongodOptions};

/// A collection in a database of its own.
async fn collection(connection_string: &str) -> Collection<Document> {
    let client =
        Client::with_uri_str(connection_string).await.expect("the connection string is valid");
    let database = client.database(&uuid::Uuid::now_v7().to_string());
    database.collection("things")
}

async fn count(things: &Collection<Document>) -> u64 {
    things.count_documents(doc! {}).await.expect("counted")
}

#[tokio::test]
async fn a_test_gets_a_server() {
    let things = collection(&mongo::for_tests().await).await;

    things.insert_one(doc! { "_id": 1 }).await.expect("inserted");

    assert_eq!(count(&things).await, 1);
}

#[tokio::test]
async fn tests_share_one_server() {
    assert_eq!(mongo::for_tests().await, mongo::for_tests().await);
}

#[tokio::test]
async fn journaled_writes_survive_a_crash() {
    let mut server = Mongod::start(MongodOptions::default()).await.expect("a server starts");
    let connection_string = mongo::with_option(&server.connection_string(), "journal", "true");
    let things = collection(&connection_string).await;
    things.insert_one(doc! { "_id": 1 }).await.expect("inserted");

    server.kill();
    server.restart().await.expect("it starts again");

    assert_eq!(count(&things).await, 1);
}

#[tokio::test]
async fn a_given_data_folder_survives_a_clean_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    let options =
        MongodOptions { data: Some(folder.path().join("data")), ..MongodOptions::default() };
    let first = Mongod::start(options.clone()).await.expect("it starts");
    let things = collection(&first.connection_string()).await;
    things.insert_one(doc! { "_id": 1 }).await.expect("inserted");

    first.stop().await;
    let second = Mongod::start(options).await.expect("it starts again");

    let client = Client::with_uri_str(second.connection_string())
        .await
        .expect("the connection string is valid");
    let things = client.database(&things.namespace().db).collection("things");
    assert_eq!(count(&things).await, 1);
}

#[tokio::test]
async fn a_replica_set_has_sessions_and_transactions() {
    let options = MongodOptions { replica_set: true, ..MongodOptions::default() };
    let server = Mongod::start(options).await.expect("a replica set starts");
    let client = Client::with_uri_str(server.connection_string())
        .await
        .expect("the connection string is valid");

    let mut session = client.start_session().await.expect("a session");
    session.start_transaction().await.expect("a transaction");
    let things = client.database("any").collection::<Document>("things");
    let inserted = things.insert_one(doc! { "_id": 1 }).session(&mut session);
    inserted.await.expect("inserted");
    session.commit_transaction().await.expect("committed");

    assert_eq!(count(&things).await, 1);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let options = MongodOptions { port: Some(port), ..MongodOptions::default() };

    let error = Mongod::start(options).await.expect_err("the port is taken");

    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

/// The owner is this test in a second process, marked by a variable, which is killed.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "tells the two processes apart")]
async fn a_server_ends_when_its_owner_is_killed() {
    const OWNER: &str = "EMULATOR_TEST_IS_OWNER";
    if std::env::var_os(OWNER).is_some() {
        let server = Mongod::start(MongodOptions::default()).await.expect("it starts");
        eprintln!("{}", server.connection_string());
        return std::future::pending().await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut owner = Command::new(std::env::current_exe().expect("a test is an executable"))
        .args(["--exact", "--nocapture", "a_server_ends_when_its_owner_is_killed"])
        .env(OWNER, "yes")
        .env("TMPDIR", folder.path())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the owner starts");
    let said = BufReader::new(owner.stderr.take().expect("it is piped")).lines();
    let said = said.map_while(Result::ok);
    let connection_string = said
        .into_iter()
        .find(|line| line.starts_with("mongodb://"))
        .expect("the owner starts a server");
    let things = collection(&connection_string).await;
    assert_eq!(count(&things).await, 0);

    owner.kill().expect("killed");
    owner.wait().expect("gone");

    let is_empty = || std::fs::read_dir(folder.path()).is_ok_and(|mut left| left.next().is_none());
    eventually("the data folder of the killed owner's server is gone", async || is_empty()).await;
    let options = "serverSelectionTimeoutMS=100";
    let late = Client::with_uri_str(format!("{connection_string}&{options}")).await;
    let late = late.expect("the connection string is valid");
    late.list_database_names().await.expect_err("nobody listens");
}

#[tokio::test]
async fn collections_are_created_once() {
    let server = mongo::for_tests().await;
    let database = uuid::Uuid::now_v7().to_string();
    let indexes = r#"["firstName",["postCode","_id"]]"#;
    let plan = format!(r#"[{{"name":"patients","shardKey":"_shardKey","indexes":{indexes}}}]"#);
    let plan: Vec<CollectionPlan> = serde_json::from_str(&plan).expect("a plan");

    for _ in 0..2 {
        mongo::create_collections(&server, &database, &plan)
            .await
            .expect("created, or there already");
    }

    let client = Client::with_uri_str(&server).await.expect("valid");
    let patients = client.database(&database).collection::<Document>("patients");
    let indexes = patients.list_index_names().await.expect("listed");
    assert_eq!(indexes, ["_id_", "firstName_1", "postCode_1__id_1"]);
}

#[tokio::test]
async fn a_fail_point_affects_only_the_named_app() {
    let server = mongo::for_tests().await;
    let hit = collection(&mongo::with_option(&server, "appName", "hit")).await;
    let spared = collection(&mongo::with_option(&server, "appName", "spared")).await;

    let failing = doc! { "failCommands": ["insert"], "errorCode": 16500 };
    let fail_point = mongo::fail_commands(&server, "hit", failing).await;

    let refusal = hit.insert_one(doc! {}).await.expect_err("throttled");
    assert!(refusal.to_string().contains("16500"), "{refusal}");
    spared.insert_one(doc! {}).await.expect("inserted");
    fail_point.clear().await;
    hit.insert_one(doc! {}).await.expect("inserted");
}

#[tokio::test]
async fn a_fail_point_may_apply_a_number_of_times() {
    let server = mongo::for_tests().await;
    let things = collection(&mongo::with_option(&server, "appName", "times")).await;

    let failing = doc! { "failCommands": ["insert"], "errorCode": 16500, "mode": { "times": 2 } };
    let _fail_point = mongo::fail_commands(&server, "times", failing).await;

    things.insert_one(doc! {}).await.expect_err("the first");
    things.insert_one(doc! {}).await.expect_err("the second");
    things.insert_one(doc! {}).await.expect("inserted");
}

#[tokio::test]
async fn a_dropped_fail_point_is_cleared() {
    let server = mongo::for_tests().await;
    let things = collection(&mongo::with_option(&server, "appName", "dropped")).await;
    let failing = doc! { "failCommands": ["insert"], "errorCode": 16500 };

    drop(mongo::fail_commands(&server, "dropped", failing).await);

    things.insert_one(doc! {}).await.expect("inserted");
}
