//! The executable without a host: settings, start and shutdown.

use std::process::{Output, Stdio};
use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::Client;
use mongodb::bson::Document;
use serde::Deserialize;
use serde_json::{Value, json};
use stand_ins::audit_api::{AuditApi, Behaviour};
use stand_ins::mongo::{self, CollectionPlan, create_collections};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::helpers::{PatientTestsApi, eventually, patient};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_patient-tests-api");

/// Long enough for a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// Valid settings, with a database that is not running.
const SETTINGS: [(&str, &str); 6] = [
    ("FUNCTIONS_CUSTOMHANDLER_PORT", "7001"),
    ("MONGO_CONNECTION_STRING", "mongodb://127.0.0.1:1"),
    ("PATIENT_TESTS_DATABASE", "patient-tests"),
    ("AUDIT_API_URL", "http://127.0.0.1:1/api/auditrecord"),
    ("AUDIT_API_KEY", "audit-key"),
    ("AUDIT_API_READING_KEY", "reading-key"),
];

/// The settings with these replaced; an empty one is removed.
fn settings(others: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let other = |name| others.iter().find(|(candidate, _)| *candidate == name);
    let mut settings: Vec<_> = SETTINGS
        .iter()
        .map(|(name, value)| (*name, other(*name).map_or(*value, |it| it.1).to_owned()))
        .collect();
    settings.retain(|(_, value)| !value.is_empty());
    settings
}

/// Runs the executable until it exits.
async fn run(settings: Vec<(&str, String)>) -> Output {
    let output = Command::new(EXECUTABLE).env_clear().envs(settings).kill_on_drop(true).output();
    timeout(LIMIT, output).await.expect("it ends").expect("it can be started")
}

/// Starts the executable and waits until it responds.
async fn start(settings: Vec<(&str, String)>, port: u16) -> Child {
    let child = Command::new(EXECUTABLE)
        .env_clear()
        .envs(settings)
        .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it can be started");
    eventually("it responds", async || {
        stand_ins::http_client().get(format!("http://127.0.0.1:{port}/")).send().await.is_ok()
    })
    .await;
    child
}

async fn signal(name: &str, process: u32) {
    let process = process.to_string();
    assert!(Command::new("kill").args([name, &process]).status().await.unwrap().success());
}

/// Posts a payload as the host does; returns the response in the envelope.
async fn invoke(port: u16, function: &str, trigger: Value) -> Value {
    let payload = json!({"Data": {"req": trigger}, "Metadata": {}}).to_string();
    let url = format!("http://127.0.0.1:{port}/{function}");
    let response = stand_ins::http_client().post(url).body(payload).send().await.unwrap();
    let envelope: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    envelope["Outputs"]["res"].clone()
}

#[tokio::test]
async fn every_wrong_setting_is_named_at_once_and_no_value() {
    let output = run(vec![
        ("MONGO_CONNECTION_STRING", "mongo://user:secret@host".to_owned()),
        ("PATIENT_TESTS_DATABASE", "secret/database".to_owned()),
        ("AUDIT_API_URL", "ftp://secret".to_owned()),
        ("AUDIT_API_KEY", "secret key".to_owned()),
        ("AUDIT_API_READING_KEY", "another secret key".to_owned()),
        ("PURPOSE_OF_USE", "secretly".to_owned()),
        ("RUST_LOG", "secret=loud".to_owned()),
    ])
    .await;

    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "patient-tests-api: \
         AUDIT_API_KEY is not a key: it has blanks or characters that a header cannot carry; \
         AUDIT_API_READING_KEY is not a key: it has blanks or characters that a header cannot carry; \
         AUDIT_API_URL is not an http or https URL; \
         FUNCTIONS_CUSTOMHANDLER_PORT is missing; \
         MONGO_CONNECTION_STRING is not a MongoDB connection string; \
         PATIENT_TESTS_DATABASE is not a database name; \
         PURPOSE_OF_USE is neither recorded nor required; \
         RUST_LOG is not a log filter like info or shared=debug,warn\n"
    );
    assert_eq!(output.stdout, b"");
}

#[tokio::test]
async fn it_does_not_start_with_an_audit_url_that_is_no_functions() {
    let output = run(settings(&[("AUDIT_API_URL", "https://secret.example/?code=secret")])).await;

    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "patient-tests-api: AUDIT_API_URL is not the URL of CreateAuditRecord, \
         like https://HOST/api/auditrecord\n"
    );
}

#[tokio::test]
async fn it_does_not_start_without_any_one_of_its_settings() {
    for (name, _) in SETTINGS {
        let output = run(settings(&[(name, "")])).await;

        assert_eq!(output.status.code(), Some(1), "{name}");
        let message = String::from_utf8(output.stderr).unwrap();
        let expected = format!("patient-tests-api: {name} is missing");
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[tokio::test]
async fn an_unknown_argument_is_refused() {
    let output = Command::new(EXECUTABLE).arg("--help").env_clear().output().await.unwrap();

    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "patient-tests-api: usage: patient-tests-api [collections | functions | openapi | settings]\n"
    );
}

#[tokio::test]
async fn a_taken_port_ends_the_app_with_one_message() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();

    let output = run(settings(&[("FUNCTIONS_CUSTOMHANDLER_PORT", &port)])).await;

    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.starts_with("patient-tests-api: Address already in use"), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
}

#[tokio::test]
async fn it_responds_before_its_database_and_its_register_can_be_reached() {
    let port = stand_ins::process::port::free().unwrap();
    let _handler = start(settings(&[]), port).await;

    let trigger = json!({"Url": "http://127.0.0.1/api/patient/42", "Params": {"patientId": "42"}});
    let missing = invoke(port, "LoadPatient", trigger).await;

    assert_eq!(missing["statusCode"], 404);
}

#[tokio::test]
async fn a_request_in_flight_is_finished_before_it_ends() {
    let audit = AuditApi::start().await;
    audit.behave(Behaviour::Hold);
    let port = stand_ins::process::port::free().unwrap();
    let mut handler = start(
        settings(&[
            ("MONGO_CONNECTION_STRING", &mongo::for_tests().await),
            ("PATIENT_TESTS_DATABASE", &format!("end-{}", uuid::Uuid::new_v4().simple())),
            ("AUDIT_API_URL", &audit.url()),
            ("AUDIT_API_KEY", &audit.key()),
        ]),
        port,
    )
    .await;
    let trigger = json!({"Url": "http://127.0.0.1/api/patient", "Body": patient().to_string()});
    let created = tokio::spawn(invoke(port, "CreatePatient", trigger));
    eventually("the request is in flight", async || audit.calls() == 1).await;

    signal("-TERM", handler.id().unwrap()).await;
    eventually("nothing new is taken", async || {
        TcpStream::connect(("127.0.0.1", port)).await.is_err()
    })
    .await;
    audit.behave(Behaviour::Record);

    assert_eq!(created.await.unwrap()["statusCode"], 201);
    let status = timeout(LIMIT, handler.wait()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn the_same_port_is_bound_again_at_once_after_a_crash() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let crashed = api.app.host.handler_process_id().unwrap();
    let port = api.app.host.handler_url();

    signal("-KILL", crashed).await;
    eventually("it is started again", async || {
        let process = api.app.host.handler_process_id();
        process.is_some_and(|process| process != crashed)
    })
    .await;

    assert_eq!(api.load_patient(&id).await.status, 200);
    assert_eq!(api.app.host.handler_url(), port);
    let console = api.app.host.console();
    assert!(console.iter().all(|line| !line.text.contains("in use")), "{console:#?}");
}

#[tokio::test]
async fn the_printed_plan_makes_the_collections_and_their_indexes() {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Plan {
        database_setting: String,
        collections: Vec<CollectionPlan>,
    }
    let printed = Command::new(EXECUTABLE).arg("collections").env_clear().output().await.unwrap();
    let plan: Plan = serde_json::from_slice(&printed.stdout).unwrap();
    let connection_string = mongo::for_tests().await;
    let database = format!("plan-{}", uuid::Uuid::new_v4().simple());

    create_collections(&connection_string, &database, &plan.collections).await.unwrap();

    assert_eq!(plan.database_setting, "PATIENT_TESTS_DATABASE");
    let shard_keys: Vec<_> =
        plan.collections.iter().map(|it| (it.name.as_str(), it.shard_key.as_str())).collect();
    let names = ["patients", "patientVersions", "tests", "testVersions", "reconciliation"];
    assert_eq!(shard_keys, names.map(|name| (name, "_shardKey")));
    let database = Client::with_uri_str(&connection_string).await.unwrap().database(&database);
    let indexes = async |collection: &str| {
        let indexes = database.collection::<Document>(collection).list_indexes().await.unwrap();
        let indexes: Vec<_> = indexes.try_collect().await.unwrap();
        indexes.iter().map(|index| index.keys.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        indexes("patients").await,
        [
            r#"{ "_id": 1 }"#,
            r#"{ "firstName": 1 }"#,
            r#"{ "lastName": 1 }"#,
            r#"{ "fullName": 1 }"#,
            r#"{ "_firstNameFolded": 1 }"#,
            r#"{ "_lastNameFolded": 1 }"#,
            r#"{ "_fullNameFolded": 1 }"#,
            r#"{ "gender": 1 }"#,
            r#"{ "postCode": 1 }"#,
            r#"{ "insuranceNumber": 1 }"#,
            r#"{ "preferredContactNumber": 1 }"#,
            r#"{ "_dateOfBirthDate": 1 }"#,
            r#"{ "_dateOfBirthLast": 1 }"#,
            r#"{ "lastUpdated": 1 }"#
        ]
    );
    let of_tests =
        [r#"{ "_id": 1 }"#, r#"{ "_shardKey": 1, "_id": 1 }"#, r#"{ "lastUpdated": 1 }"#];
    assert_eq!(indexes("tests").await, of_tests);
    for history in ["patientVersions", "testVersions"] {
        assert_eq!(
            indexes(history).await,
            [r#"{ "_id": 1 }"#, r#"{ "_auditId": 1 }"#, r#"{ "lastUpdated": 1 }"#]
        );
    }
}
