//! `Health`, GET and HEAD health

use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use stand_ins::audit_api::Behaviour;
use stand_ins::key_vault::{Fault, KeyVault};
use stand_ins::mongo::{self, Proxy};
use stand_ins::test_app::{Call, Response};

use crate::helpers::{PatientTestsApi, eventually, unknown_id};
use crate::secrets::{APP, SECRETS, start_before_its_secrets, until_it_works};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const AUDIT_KEY: &str = "the-key-of-today";

fn probe(api: &PatientTestsApi) -> Call {
    api.call("GET", "health")
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
async fn until_healthy(api: &PatientTestsApi) {
    eventually("it is healthy", async || probe(api).send().await.status == 200).await;
}

/// The log lines about health: unhealthy and healthy again.
fn lines(api: &PatientTestsApi) -> Vec<String> {
    let logs = api.app.host.invocation_logs().into_iter().map(|log| log.text);
    logs.filter(|text| text.contains("healthy") || text.contains("exception")).collect()
}

/// How often this command was sent through the proxy.
fn sent(proxy: &Proxy, command: &str) -> usize {
    proxy.commands().iter().filter(|sent| *sent == command).count()
}

#[tokio::test]
async fn a_working_app_is_healthy_and_records_nothing() {
    let api = PatientTestsApi::start().await;

    let healthy = probe(&api).expect(200).await;
    let head = api.call("HEAD", "health").expect(200).await;

    assert_eq!((healthy.text.as_str(), head.text.as_str()), ("{}", ""));
    for response in [&healthy, &head] {
        assert_eq!(response.header("Content-Type"), Some("application/json; charset=utf-8"));
        assert_eq!(response.header("Cache-Control"), Some("no-store"));
        assert_eq!(response.header("ETag"), None);
    }
    assert!(api.audit.records().is_empty());
    assert_eq!(api.documents_stored().await, 0);
    assert!(lines(&api).is_empty(), "{:#?}", lines(&api));
}

#[tokio::test]
async fn many_probes_cost_one_read_and_one_call_of_the_register() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let api = PatientTestsApi::start_on(&proxy.connection_string(), &[]).await;

    for response in join_all((0..50).map(|_| probe(&api).send())).await {
        assert_eq!(response.status, 200, "{response:#?}");
    }

    assert_eq!(sent(&proxy, "find"), 1);
    assert_eq!((api.audit.health_calls().len(), api.audit.calls()), (1, 1));
}

#[tokio::test]
async fn many_probes_of_an_unhealthy_app_cost_one_check_and_one_log_line() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let api = PatientTestsApi::start_on(&proxy.connection_string(), &[]).await;
    let refusal = doc! { "ok": 0, "code": 13, "errmsg": "not authorized on db.internal" };
    proxy.reply_instead("find", usize::MAX, refusal);
    api.audit.behave(Behaviour::Status(404));

    for response in join_all((0..50).map(|_| probe(&api).send())).await {
        assert_unhealthy(&response);
    }

    assert_eq!((sent(&proxy, "find"), api.audit.health_calls().len()), (1, 1));
    let lines = lines(&api);
    let [line] = &lines[..] else { panic!("{lines:#?}") };
    for part in [
        "unhealthy: requests would fail",
        "database: The database is unavailable: database error 13",
        "register: The audit register is unavailable: the register answered 404 Not Found",
    ] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!line.contains("secrets") && !line.contains("db.internal"), "{line}");
}

#[tokio::test]
async fn the_register_is_called_in_the_trace_of_the_probe() {
    let api = PatientTestsApi::start().await;
    let traceparent = format!("00-{TRACE_ID}-00f067aa0ba902b7-01");

    probe(&api).header("traceparent", &traceparent).expect(200).await;

    let calls = api.audit.health_calls();
    let [call] = &calls[..] else { panic!("{calls:#?}") };
    let sent = call.traceparent.as_deref().unwrap();
    assert_eq!(&sent[3..35], TRACE_ID);
    assert_ne!(sent, traceparent, "the call has a span of its own");
}

#[tokio::test]
async fn a_database_that_is_down_is_unhealthy_until_it_is_back() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let api = PatientTestsApi::start_on(&proxy.connection_string(), &[]).await;
    proxy.refuse();

    assert_unhealthy(&probe(&api).send().await);
    proxy.accept();
    until_healthy(&api).await;

    let lines = lines(&api);
    let [unhealthy, healthy] = &lines[..] else { panic!("{lines:#?}") };
    assert!(unhealthy.contains("unhealthy: ") && unhealthy.contains("database: "), "{unhealthy}");
    assert!(!unhealthy.contains("register") && !unhealthy.contains("secrets"), "{unhealthy}");
    assert!(healthy.contains("healthy again"), "{healthy}");
}

#[tokio::test]
async fn the_wait_for_a_hanging_database_ends_long_before_a_requests_deadline() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let api = PatientTestsApi::start_on(&proxy.connection_string(), &[]).await;
    until_it_works(&api).await;
    proxy.hang();
    let request = tokio::spawn(api.call("GET", &format!("patient/{}", unknown_id())).send());

    assert_unhealthy(&probe(&api).send().await);
    assert!(!request.is_finished());

    proxy.accept();
    until_healthy(&api).await;
}

#[tokio::test]
async fn a_database_that_keeps_throttling_is_unhealthy() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let api = PatientTestsApi::start_on(&proxy.connection_string(), &[]).await;
    let throttled: Document = doc! { "ok": 0, "code": 16500, "errmsg": "Request rate is large" };
    proxy.reply_instead("find", usize::MAX, throttled);

    assert_unhealthy(&probe(&api).send().await);
}

#[tokio::test]
async fn a_register_that_could_add_no_record_makes_the_app_unhealthy() {
    let behaviours = [
        Behaviour::Refuse,
        Behaviour::Status(401),
        Behaviour::Status(404),
        Behaviour::Status(429),
        Behaviour::Status(500),
        Behaviour::Status(503),
        // A success status, but not the one that confirms health.
        Behaviour::Status(204),
        Behaviour::Garbage,
    ];

    join_all(behaviours.map(is_unhealthy_while_the_register_does)).await;
}

async fn is_unhealthy_while_the_register_does(behaviour: Behaviour) {
    let api = PatientTestsApi::start().await;
    api.audit.behave(behaviour);

    assert_unhealthy(&probe(&api).send().await);
    let lines = lines(&api);
    assert!(lines[0].contains("register: ") && !lines[0].contains("database"), "{lines:#?}");

    api.audit.behave(Behaviour::Record);
    until_healthy(&api).await;
}

#[tokio::test]
async fn the_wait_for_a_hanging_register_ends_long_before_a_requests_deadline() {
    let api = PatientTestsApi::start().await;
    api.audit.behave(Behaviour::Hang);
    let request = tokio::spawn(api.call("GET", &format!("patient/{}", unknown_id())).send());

    assert_unhealthy(&probe(&api).send().await);
    assert!(!request.is_finished());

    api.audit.behave(Behaviour::Record);
    until_healthy(&api).await;
}

#[tokio::test]
async fn a_lost_response_of_the_register_is_requested_again() {
    let api = PatientTestsApi::start().await;
    api.audit.behave(Behaviour::RecordThenDrop(1));

    probe(&api).expect(200).await;

    assert_eq!(api.audit.health_calls().len(), 2);
}

#[tokio::test]
async fn a_key_that_the_register_refuses_is_unhealthy() {
    let api = PatientTestsApi::start_with(&[("AUDIT_API_KEY", "the-key-of-yesterday")]).await;

    assert_unhealthy(&probe(&api).send().await);

    let lines = lines(&api);
    assert!(lines[0].contains("the register answered 401 Unauthorized"), "{lines:#?}");
    assert!(!lines[0].contains("yesterday"), "{lines:#?}");
}

/// A vault with all secrets, of which the app may read only these.
async fn vault(granted: &[&str]) -> KeyVault {
    let vault = KeyVault::start().await.unwrap();
    vault.set_secret("audit-key", AUDIT_KEY);
    vault.set_secret("audit-reading-key", "the-reading-key");
    vault.set_secret("connection-string", &mongo::for_tests().await);
    for secret in granted {
        vault.grant(APP, secret);
    }
    vault
}

async fn start_with(vault: &KeyVault) -> PatientTestsApi {
    let api = start_before_its_secrets(vault, &[]).await;
    api.audit.accept_only(AUDIT_KEY);
    api
}

#[tokio::test]
async fn a_started_app_reads_its_secrets_before_it_responds() {
    let vault = vault(&SECRETS).await;
    let api = start_with(&vault).await;

    probe(&api).expect(200).await;
}

#[tokio::test]
async fn a_key_that_was_rotated_is_read_again() {
    let vault = vault(&SECRETS).await;
    let api = start_with(&vault).await;
    until_it_works(&api).await;
    vault.set_secret("audit-key", "rotated");
    api.audit.accept_only("rotated");

    until_healthy(&api).await;
}

#[tokio::test]
async fn the_app_is_unhealthy_until_each_key_of_the_register_has_been_read() {
    for (secret, setting) in
        [("audit-key", "AUDIT_API_KEY"), ("audit-reading-key", "AUDIT_API_READING_KEY")]
    {
        let others: Vec<_> = SECRETS.into_iter().filter(|other| *other != secret).collect();
        let vault = vault(&others).await;
        let api = start_with(&vault).await;

        assert_unhealthy(&probe(&api).send().await);
        let lines = lines(&api);
        let fault = format!("secrets: The secret {setting} is unavailable: Key Vault answered 403");
        assert!(lines[0].contains(&fault), "{lines:#?}");

        vault.grant(APP, secret);
        until_healthy(&api).await;
    }
}

#[tokio::test]
async fn the_wait_for_a_hanging_vault_ends_long_before_a_requests_deadline() {
    let vault = vault(&SECRETS).await;
    vault.fail(Some(Fault::Hang));
    let api = start_with(&vault).await;
    let request = tokio::spawn(api.call("GET", &format!("patient/{}", unknown_id())).send());

    assert_unhealthy(&probe(&api).send().await);
    assert!(!request.is_finished());

    vault.fail(None);
    until_healthy(&api).await;
}

#[tokio::test]
async fn while_the_vault_is_down_the_last_good_values_are_used_and_no_probe_reads() {
    let vault = vault(&SECRETS).await;
    let api = start_with(&vault).await;
    // One read ahead of the first request, and one by the refresh, which is then due in fifteen
    // minutes.
    eventually("all that is read at start was read", async || {
        SECRETS.map(|secret| vault.read_count(APP, secret)) == [1, 1, 2]
    })
    .await;
    vault.fail(Some(Fault::Status(500)));

    probe(&api).expect(200).await;

    assert_eq!(vault.fault_count(), 0);
}
