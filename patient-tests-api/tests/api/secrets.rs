//! Secrets from Key Vault, read with the app's managed identity, and their rotation.

use futures_util::TryStreamExt;
use futures_util::future::join_all;
use mongodb::Client;
use mongodb::bson::doc;
use stand_ins::key_vault::{Fault, KeyVault};
use stand_ins::mongo::{self, Credentials, Mongod, MongodOptions};

use crate::helpers::{PatientTestsApi, eventually, patient};

pub const APP: &str = "patient-tests-api";
/// The names of its secrets in the vault.
pub const SECRETS: [&str; 3] = ["audit-key", "audit-reading-key", "connection-string"];

/// The app with its secrets in Key Vault, and permission to read them.
async fn start(vault: &KeyVault) -> PatientTestsApi {
    grant_all(vault);
    start_with(vault, &[]).await
}

fn grant_all(vault: &KeyVault) {
    for secret in SECRETS {
        vault.grant(APP, secret);
    }
}

async fn start_with(vault: &KeyVault, more: &[(&str, &str)]) -> PatientTestsApi {
    let api = start_before_its_secrets(vault, more).await;
    vault.set_secret("audit-key", &api.audit.key());
    vault.set_secret("audit-reading-key", &api.audit.key());
    vault.set_secret("connection-string", &mongo::for_tests().await);
    api
}

pub async fn start_before_its_secrets(vault: &KeyVault, more: &[(&str, &str)]) -> PatientTestsApi {
    let identity = vault.identity(APP);
    let [key, reading_key, connection] = SECRETS.map(|secret| vault.secret_uri(secret));
    let settings = [
        ("AUDIT_API_KEY", ""),
        ("AUDIT_API_KEY_SECRET_URI", key.as_str()),
        ("AUDIT_API_READING_KEY", ""),
        ("AUDIT_API_READING_KEY_SECRET_URI", &reading_key),
        ("MONGO_CONNECTION_STRING", ""),
        ("MONGO_CONNECTION_STRING_SECRET_URI", &connection),
        ("IDENTITY_ENDPOINT", &identity.endpoint),
        ("IDENTITY_HEADER", &identity.header),
        ("TRUSTED_CERTIFICATES_FILE", vault.trusted_certificate().to_str().unwrap()),
    ];
    PatientTestsApi::start_with(&[&settings, more].concat()).await
}

/// Loads a patient until that succeeds; the app starts before its secrets are set.
pub async fn until_it_works(api: &PatientTestsApi) {
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
    grant_all(&vault);

    let api = start_with(
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

    let refused = created.iter().find(|response| response.status != 201);
    assert!(refused.is_none(), "{refused:?}");
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

    for response in &refused {
        assert_eq!((response.status, response.problem()), (503, "unavailable"));
    }
    assert_eq!(api.documents_stored().await, 0);
    assert_eq!(vault.read_count(APP, "audit-key"), reads + 1);
}

#[tokio::test]
async fn a_secret_that_may_not_be_read_is_named_and_read_once_it_may() {
    let vault = KeyVault::start().await.unwrap();
    vault.grant(APP, "connection-string");
    let api = start_with(&vault, &[]).await;
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
    grant_all(&vault);
    let api = start_with(&vault, &[("SECRET_REFRESH_SECONDS", "1")]).await;
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
async fn an_invalid_new_value_is_not_used() {
    let vault = KeyVault::start().await.unwrap();
    grant_all(&vault);
    let api = start_with(&vault, &[("SECRET_REFRESH_SECONDS", "1")]).await;
    until_it_works(&api).await;

    let version = vault.set_secret("connection-string", "no connection string");
    let limit = std::time::Duration::from_secs(30);
    assert!(vault.until_read(APP, "connection-string", &version, limit).await);

    api.create_patient().await;
}

/// The app with its secrets in a vault, on a mongod that requires a user and a password.
pub struct SecretApp {
    pub vault: KeyVault,
    pub mongod: Mongod,
    pub api: PatientTestsApi,
}

impl SecretApp {
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let vault = KeyVault::start().await.unwrap();
        let administrator = Some(user("administrator", "canary-password-0"));
        let options = MongodOptions { administrator, ..MongodOptions::default() };
        let mongod = Mongod::start(options).await.unwrap();
        grant_all(&vault);
        let api = start_before_its_secrets(&vault, settings).await;
        let first = user("canary-user-1", "canary-password-1");
        mongod.set_user(&first, api.database.name()).await.unwrap();
        api.audit.accept_only("canary-audit-key-1");
        vault.set_secret("audit-key", "canary-audit-key-1");
        vault.set_secret("audit-reading-key", "canary-reading-key-1");
        vault.set_secret("connection-string", &mongod.connection_string_of(&first));
        until_it_works(&api).await;
        Self { vault, mongod, api }
    }
}

pub fn user(name: &str, password: &str) -> Credentials {
    Credentials { user: name.to_owned(), password: password.to_owned() }
}

/// The number of a user's connections.
async fn connections_of(mongod: &Mongod, user: &str) -> usize {
    let client = Client::with_uri_str(mongod.connection_string()).await.unwrap();
    let operations = doc! { "$currentOp": { "allUsers": true, "idleConnections": true } };
    let of_user = doc! { "$match": { "effectiveUsers.user": user } };
    let found = client.database("admin").aggregate([operations, of_user]).await.unwrap();
    found.try_collect::<Vec<_>>().await.unwrap().len()
}

async fn create_many(api: &PatientTestsApi) {
    let body = patient();
    let created = join_all((0..64).map(|_| api.call("POST", "patient").json(&body).send())).await;
    let refused = created.iter().find(|response| response.status != 201);
    assert!(refused.is_none(), "{refused:?}");
}

#[tokio::test]
async fn a_changed_database_password_is_read_again_and_no_request_is_lost() {
    let SecretApp { vault, mongod, api } = SecretApp::start(&[]).await;
    let process = api.app.host.handler_process_id();

    // Open connections stay open, but new ones with the old password fail.
    let changed = user("canary-user-1", "changed");
    mongod.set_user(&changed, api.database.name()).await.unwrap();
    vault.set_secret("connection-string", &mongod.connection_string_of(&changed));
    create_many(&api).await;

    assert_eq!(api.app.host.handler_process_id(), process);
}

#[tokio::test]
async fn a_removed_database_user_is_replaced_and_its_connections_end() {
    let SecretApp { vault, mongod, api } = SecretApp::start(&[]).await;
    let process = api.app.host.handler_process_id();
    create_many(&api).await;
    assert!(connections_of(&mongod, "canary-user-1").await > 0);

    let second = user("second", "password");
    mongod.set_user(&second, api.database.name()).await.unwrap();
    vault.set_secret("connection-string", &mongod.connection_string_of(&second));
    mongod.drop_user("canary-user-1").await.unwrap();
    create_many(&api).await;

    assert_eq!(connections_of(&mongod, "canary-user-1").await, 0);
    assert!(connections_of(&mongod, "second").await > 0);
    assert_eq!(api.app.host.handler_process_id(), process);
}

#[tokio::test]
async fn the_connection_pool_of_replaced_credentials_is_closed() {
    let SecretApp { vault, mongod, api } = SecretApp::start(&[]).await;
    create_many(&api).await;
    let second = user("second", "password");
    mongod.set_user(&second, api.database.name()).await.unwrap();
    vault.set_secret("connection-string", &mongod.connection_string_of(&second));
    let third = user("canary-user-1", "changed");
    mongod.set_user(&third, api.database.name()).await.unwrap();

    create_many(&api).await;

    eventually("the old pool is gone", async || {
        connections_of(&mongod, "canary-user-1").await == 0
    })
    .await;
}

#[tokio::test]
async fn without_a_token_the_secret_is_unavailable() {
    is_unavailable_while_identities_fail(Fault::Status(500)).await;
}

#[tokio::test]
async fn without_a_response_the_secret_is_unavailable_within_the_deadline() {
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
