//! Secrets from Key Vault, read with the app's managed identity, and their rotation.

use emulator::key_vault::{Fault, KeyVault};
use emulator::mongo;
use futures_util::future::join_all;

use crate::helpers::{PatientTestsApi, eventually, patient};

const APP: &str = "patient-tests-api";

/// The app with the audit key and the connection string in Key Vault, and the right to read them.
async fn start(vault: &KeyVault) -> PatientTestsApi {
    vault.grant(APP, "audit-key");
    vault.grant(APP, "connection-string");
    start_without_grants(vault, &[]).await
}

async fn start_without_grants(vault: &KeyVault, more: &[(&str, &str)]) -> PatientTestsApi {
    let identity = vault.identity(APP);
    let (key, connection) = (vault.secret_uri("audit-key"), vault.secret_uri("connection-string"));
    let settings = [
        ("AUDIT_API_KEY", ""),
        ("AUDIT_API_KEY_SECRET_URI", key.as_str()),
        ("MONGO_CONNECTION_STRING", ""),
        ("MONGO_CONNECTION_STRING_SECRET_URI", &connection),
        ("IDENTITY_ENDPOINT", &identity.endpoint),
        ("IDENTITY_HEADER", &identity.header),
        ("TRUSTED_CERTIFICATES_FILE", vault.trusted_certificate().to_str().unwrap()),
    ];
    let api = PatientTestsApi::start_with(&[&settings, more].concat()).await;
    vault.set_secret("audit-key", &api.audit.key());
    vault.set_secret("connection-string", &mongo::for_tests().await);
    api
}

/// Asks for a patient until there is a sound answer; the app starts before its secrets are there.
async fn until_it_works(api: &PatientTestsApi) {
    let id = uuid::Uuid::now_v7().to_string();
    eventually("it works", async || api.load_patient(&id).await.status == 404).await;
}

#[tokio::test]
async fn every_form_of_reference_is_read_with_the_managed_identity() {
    let vault = KeyVault::start().await.unwrap();
    let version = vault.set_secret("connection-string", &mongo::for_tests().await);
    vault.set_secret("connection-string", "mongodb://newer.invalid");
    let reference = format!("@Microsoft.KeyVault(SecretUri={})", vault.secret_uri("audit-key"));
    let connection = format!("{}/{version}", vault.secret_uri("connection-string"));
    let identity = vault.identity(APP);
    vault.grant(APP, "audit-key");
    vault.grant(APP, "connection-string");

    let api = start_without_grants(
        &vault,
        &[
            ("AUDIT_API_KEY", &reference),
            ("AUDIT_API_KEY_SECRET_URI", ""),
            ("MONGO_CONNECTION_STRING_SECRET_URI", &connection),
            ("AZURE_CLIENT_ID", &identity.client_id),
        ],
    )
    .await;

    until_it_works(&api).await;
    api.create_patient().await;
    assert_eq!(api.documents_stored().await, 1);
}

#[tokio::test]
async fn a_rotated_audit_key_is_read_once_and_no_call_is_lost() {
    let vault = KeyVault::start().await.unwrap();
    let api = start(&vault).await;
    until_it_works(&api).await;
    let (process, reads) = (api.app.host.handler_process_id(), vault.read_count(APP, "audit-key"));
    let records = api.audit.records().len();

    vault.set_secret("audit-key", "rotated");
    api.audit.accept_only("rotated");
    let body = patient();
    let created = join_all((0..16).map(|_| api.call("POST", "patient").json(&body).send())).await;

    assert!(created.iter().all(|answer| answer.status == 201), "{created:?}");
    assert_eq!(vault.read_count(APP, "audit-key"), reads + 1);
    assert_eq!(api.outcomes_since(records), ["intended"; 16]);
    assert_eq!(api.app.host.handler_process_id(), process);
}

#[tokio::test]
async fn a_key_that_stays_refused_stops_the_request_and_spares_the_vault() {
    let vault = KeyVault::start().await.unwrap();
    let api = start(&vault).await;
    until_it_works(&api).await;
    let reads = vault.read_count(APP, "audit-key");

    api.audit.accept_only("another");
    let body = patient();
    let refused = join_all((0..16).map(|_| api.call("POST", "patient").json(&body).send())).await;

    for answer in &refused {
        assert_eq!((answer.status, answer.problem()), (503, "unavailable"));
    }
    assert_eq!(api.documents_stored().await, 0);
    assert_eq!(vault.read_count(APP, "audit-key"), reads + 1);
}

#[tokio::test]
async fn a_secret_that_may_not_be_read_is_named_and_read_once_it_may() {
    let vault = KeyVault::start().await.unwrap();
    vault.grant(APP, "connection-string");
    let api = start_without_grants(&vault, &[]).await;
    let refused = api.call("POST", "patient").json(&patient()).expect(503).await;
    let process = api.app.host.handler_process_id();

    assert_eq!(refused.problem(), "unavailable");
    assert_eq!(
        refused.body["detail"],
        "The secret AUDIT_API_KEY cannot be reached in time; try again later."
    );
    assert!(!refused.text.contains("localhost"), "{}", refused.text);
    assert!(refused.header("Retry-After").is_some());
    assert_eq!((api.documents_stored().await, api.audit.calls()), (0, 0));

    vault.grant(APP, "audit-key");
    until_it_works(&api).await;
    api.create_patient().await;
    assert_eq!(api.app.host.handler_process_id(), process);
}

#[tokio::test]
async fn while_the_vault_is_down_the_last_good_values_stay_in_use() {
    let vault = KeyVault::start().await.unwrap();
    vault.grant(APP, "audit-key");
    vault.grant(APP, "connection-string");
    let api = start_without_grants(&vault, &[("SECRET_REFRESH_SECONDS", "1")]).await;
    until_it_works(&api).await;

    for fault in [Fault::Drop, Fault::Status(429), Fault::Status(500), Fault::Status(403)] {
        let faults = vault.fault_count();
        vault.fail(Some(fault));
        eventually("it tries to read", async || vault.fault_count() > faults).await;
        api.create_patient().await;
    }
    vault.fail(None);
    let version = vault.set_secret("audit-key", "rotated");
    assert!(vault.until_read(APP, "audit-key", &version, std::time::Duration::from_secs(30)).await);
    api.audit.accept_only("rotated");
    api.create_patient().await;
}

#[tokio::test]
async fn a_new_value_that_cannot_be_one_is_not_put_to_use() {
    let vault = KeyVault::start().await.unwrap();
    vault.grant(APP, "audit-key");
    vault.grant(APP, "connection-string");
    let api = start_without_grants(&vault, &[("SECRET_REFRESH_SECONDS", "1")]).await;
    until_it_works(&api).await;

    let version = vault.set_secret("connection-string", "no connection string");
    let limit = std::time::Duration::from_secs(30);
    assert!(vault.until_read(APP, "connection-string", &version, limit).await);

    api.create_patient().await;
}

#[tokio::test]
async fn without_a_token_the_secret_is_unavailable() {
    is_unavailable_while_identities_fail(Fault::Status(500)).await;
}

#[tokio::test]
async fn without_an_answer_the_secret_is_unavailable_within_the_deadline() {
    is_unavailable_while_identities_fail(Fault::Hang).await;
}

async fn is_unavailable_while_identities_fail(fault: Fault) {
    let vault = KeyVault::start().await.unwrap();
    vault.fail_identities(Some(fault));
    let api = start(&vault).await;

    let refused = api.load_patient(&uuid::Uuid::now_v7().to_string()).await;

    assert_eq!((refused.status, refused.problem()), (503, "unavailable"));
    assert_eq!(
        refused.body["detail"],
        "The secret MONGO_CONNECTION_STRING cannot be reached in time; try again later."
    );
    vault.fail_identities(None);
    until_it_works(&api).await;
}
