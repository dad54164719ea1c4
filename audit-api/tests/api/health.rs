//! `Health`, GET and HEAD health

use futures_util::future::join_all;
use mongodb::bson::doc;
use stand_ins::eventually;
use stand_ins::key_vault::KeyVault;
use stand_ins::mongo::{self, Proxy};
use stand_ins::test_app::{Call, Response};

use crate::helpers::{AuditApi, record};

const APP: &str = "audit-api";

fn probe(api: &AuditApi) -> Call {
    api.app.call("GET", "health")
}

/// Asserts that a response is 503 without details.
fn assert_unhealthy(response: &Response) {
    assert_eq!((response.status, response.problem()), (503, "unavailable"), "{response:#?}");
    assert_eq!(response.header("Retry-After"), Some("5"));
    assert_eq!(
        response.body["detail"],
        "A dependency of the API cannot be reached in time; try again later."
    );
}

/// Waits until the app is healthy; an earlier result is reused for some seconds.
async fn until_healthy(api: &AuditApi) {
    eventually("it is healthy again", async || probe(api).send().await.status == 200).await;
}

/// The log lines about health: unhealthy and healthy again.
fn lines(api: &AuditApi) -> Vec<String> {
    let logs = api.app.host.invocation_logs().into_iter().map(|log| log.text);
    logs.filter(|text| text.contains("healthy") || text.contains("exception")).collect()
}

#[tokio::test]
async fn a_working_app_is_healthy_and_records_nothing() {
    let api = AuditApi::start().await;

    let healthy = probe(&api).expect(200).await;
    let head = api.app.call("HEAD", "health").expect(200).await;

    assert_eq!((healthy.text.as_str(), head.text.as_str()), ("{}", ""));
    for response in [&healthy, &head] {
        assert_eq!(response.header("Content-Type"), Some("application/json; charset=utf-8"));
        assert_eq!(response.header("Cache-Control"), Some("no-store"));
    }
    assert_eq!(api.records.count_documents(doc! {}).await.unwrap(), 0);
    assert!(lines(&api).is_empty(), "{:#?}", lines(&api));
}

#[tokio::test]
async fn meaningless_parameters_and_preconditions_are_refused() {
    let api = AuditApi::start().await;

    let query = api.app.call("GET", "health?verbose=true").expect(400).await;
    let version = probe(&api).header("If-Match", "*").expect(412).await;

    assert_eq!(query.body["detail"], "The query parameter \"verbose\" is unknown.");
    assert_eq!(version.problem(), "version-mismatch");
    assert_eq!(probe(&api).header("If-Match", "1").expect(400).await.problem(), "invalid-request");
    probe(&api).header("If-None-Match", "*").expect(200).await;
}

#[tokio::test]
async fn many_probes_cost_one_read() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let api = AuditApi::start_on(&proxy.connection_string()).await;

    for response in join_all((0..50).map(|_| probe(&api).send())).await {
        assert_eq!(response.status, 200, "{response:#?}");
    }

    let reads = proxy.commands().into_iter().filter(|command| command == "find").count();
    assert_eq!(reads, 1);
}

#[tokio::test]
async fn a_database_that_is_down_is_unhealthy_until_it_is_back() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let api = AuditApi::start_on(&proxy.connection_string()).await;
    proxy.refuse();

    for response in join_all((0..10).map(|_| probe(&api).send())).await {
        assert_unhealthy(&response);
    }
    proxy.accept();
    until_healthy(&api).await;

    let lines = lines(&api);
    let [unhealthy, healthy] = &lines[..] else { panic!("{lines:#?}") };
    assert!(unhealthy.contains("unhealthy: ") && unhealthy.contains("database: "), "{unhealthy}");
    assert!(healthy.contains("healthy again"), "{healthy}");
}

#[tokio::test]
async fn the_wait_for_a_hanging_database_ends_long_before_a_requests_deadline() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let api = AuditApi::start_on(&proxy.connection_string()).await;
    api.create(&record()).expect(201).await;
    proxy.hang();
    let request = tokio::spawn(api.create(&record()).send());

    assert_unhealthy(&probe(&api).send().await);
    assert!(!request.is_finished());

    proxy.accept();
    until_healthy(&api).await;
}

#[tokio::test]
async fn a_database_that_refuses_the_user_is_unhealthy() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let api = AuditApi::start_on(&proxy.connection_string()).await;
    let refusal = doc! { "ok": 0, "code": 13, "errmsg": "not authorized on db.internal" };
    proxy.reply_instead("find", usize::MAX, refusal);

    assert_unhealthy(&probe(&api).send().await);

    let lines = lines(&api);
    assert!(lines[0].contains("database error 13"), "{lines:#?}");
    assert!(!lines[0].contains("db.internal"), "{lines:#?}");
}

#[tokio::test]
async fn the_app_is_unhealthy_until_its_secret_has_been_read() {
    let vault = KeyVault::start().await.unwrap();
    vault.set_secret("connection-string", &mongo::for_tests().await);
    let identity = vault.identity(APP);
    let api = AuditApi::start_with(&[
        ("MONGO_CONNECTION_STRING", ""),
        ("MONGO_CONNECTION_STRING_SECRET_URI", &vault.secret_uri("connection-string")),
        ("IDENTITY_ENDPOINT", &identity.endpoint),
        ("IDENTITY_HEADER", &identity.header),
        ("TRUSTED_CERTIFICATES_FILE", vault.trusted_certificate().to_str().unwrap()),
    ])
    .await;

    assert_unhealthy(&probe(&api).send().await);
    let lines = lines(&api);
    let fault =
        "secrets: The secret MONGO_CONNECTION_STRING is unavailable: Key Vault answered 403";
    assert!(lines[0].contains(fault), "{lines:#?}");

    vault.grant(APP, "connection-string");
    until_healthy(&api).await;
}
