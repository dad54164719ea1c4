//! Key Vault and the identity endpoint, seen from clients.

use std::net::{Ipv4Addr, SocketAddr};

use reqwest::{Certificate, Client, Response};
use serde_json::Value;
use stand_ins::key_vault::{Fault, HOST, KeyVault};

/// A client that trusts only the vault's authority.
fn client(vault: &KeyVault) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let pem = std::fs::read(vault.trusted_certificate()).unwrap();
    Client::builder()
        .no_proxy()
        .tls_certs_only([Certificate::from_pem(&pem).unwrap()])
        .resolve(HOST, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .build()
        .unwrap()
}

async fn token_response(vault: &KeyVault, header: &str, query: &str) -> Response {
    let url = format!("{}?{query}", vault.identity("app").endpoint);
    client(vault).get(url).header("X-IDENTITY-HEADER", header).send().await.unwrap()
}

async fn token(vault: &KeyVault, identity: &str) -> String {
    let query = "api-version=2019-08-01&resource=https://vault.localhost";
    let response = token_response(vault, &vault.identity(identity).header, query).await;
    assert_eq!(response.status(), 200);
    json(response).await["access_token"].as_str().unwrap().to_owned()
}

async fn get(vault: &KeyVault, token: &str, target: &str) -> Response {
    let url = format!("{}{target}", vault.url());
    client(vault).get(url).bearer_auth(token).send().await.unwrap()
}

async fn json(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn an_identity_reads_all_versions_of_a_granted_secret() {
    let vault = KeyVault::start().await.unwrap();
    let first = vault.set_secret("key", "one");
    let second = vault.set_secret("KEY", "two");
    vault.grant("app", "key");
    let token = token(&vault, "app").await;

    for (target, value, version) in [
        ("/secrets/key?api-version=7.4".to_owned(), "two", &second),
        ("/secrets/key/?api-version=2025-07-01".to_owned(), "two", &second),
        (format!("/secrets/Key/{first}?api-version=7.4"), "one", &first),
    ] {
        let response = get(&vault, &token, &target).await;
        assert_eq!(response.status(), 200, "{target}");
        let secret = json(response).await;
        assert_eq!(secret["value"], value);
        assert!(secret["id"].as_str().unwrap().ends_with(version.as_str()), "{secret}");
        assert_eq!(secret["attributes"]["enabled"], true);
    }
    assert_eq!(vault.read_count("app", "key"), 3);
}

#[tokio::test]
async fn without_a_valid_token_there_is_a_challenge() {
    let vault = KeyVault::start().await.unwrap();
    vault.set_secret("key", "one");
    let url = format!("{}/secrets/key?api-version=7.4", vault.url());

    for call in [client(&vault).get(&url), client(&vault).get(&url).bearer_auth("made-up")] {
        let response = call.send().await.unwrap();
        assert_eq!(response.status(), 401);
        let challenge = response.headers()["www-authenticate"].to_str().unwrap();
        assert!(challenge.starts_with("Bearer authorization=\"https://login."), "{challenge}");
        assert!(challenge.ends_with(", resource=\"https://vault.localhost\""), "{challenge}");
    }
}

#[tokio::test]
async fn refusals_have_the_codes_of_key_vault() {
    let vault = KeyVault::start().await.unwrap();
    vault.set_secret("key", "one");
    vault.set_secret("others", "two");
    for secret in ["key", "missing"] {
        vault.grant("app", secret);
    }
    let token = token(&vault, "app").await;

    for (target, status, code) in [
        ("/secrets/others?api-version=7.4", 403, "Forbidden"),
        ("/secrets/missing?api-version=7.4", 404, "SecretNotFound"),
        ("/secrets/key/none?api-version=7.4", 404, "SecretNotFound"),
        ("/secrets/key", 400, "BadParameter"),
        ("/secrets/key?api-version=1.0", 400, "BadParameter"),
        ("/keys/key?api-version=7.4", 404, "NotFound"),
    ] {
        let response = get(&vault, &token, target).await;
        assert_eq!(response.status(), status, "{target}");
        assert_eq!(json(response).await["error"]["code"], code, "{target}");
    }
    vault.revoke("app", "key");
    let response = get(&vault, &token, "/secrets/key?api-version=7.4").await;
    assert_eq!(json(response).await["error"]["innererror"]["code"], "ForbiddenByRbac");
    assert_eq!(vault.read_count("app", "key"), 0);
}

#[tokio::test]
async fn tokens_require_the_identity_header() {
    let vault = KeyVault::start().await.unwrap();
    let app = vault.identity("app");
    let good = "api-version=2019-08-01&resource=https://vault.localhost";
    let client_id = format!("{good}&client_id={}", app.client_id);

    for (header, query, status) in [
        (app.header.as_str(), good, 200),
        (&app.header, "api-version=2019-08-01&resource=https%3A%2F%2Fvault.localhost%2F", 200),
        (&app.header, client_id.as_str(), 200),
        ("wrong", good, 401),
        (&app.header, "resource=https://vault.localhost", 400),
        (&app.header, "api-version=2017-09-01&resource=https://vault.localhost", 400),
        (&app.header, "api-version=2019-08-01&resource=https://storage.localhost", 400),
        (&vault.identity("other").header, client_id.as_str(), 400),
    ] {
        let response = token_response(&vault, header, query).await;
        assert_eq!(response.status(), status, "{query}");
    }
    let token = json(token_response(&vault, &app.header, good).await).await;
    assert!(token["expires_on"].as_str().unwrap().parse::<u64>().is_ok(), "{token:?}");
    assert_eq!(token["client_id"], app.client_id);
}

#[tokio::test]
async fn it_can_be_made_to_fail() {
    let vault = KeyVault::start().await.unwrap();
    vault.set_secret("key", "one");
    vault.grant("app", "key");
    let token = token(&vault, "app").await;
    let target = "/secrets/key?api-version=7.4";

    vault.fail(Some(Fault::Status(429)));
    let response = get(&vault, &token, target).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"1".parse().unwrap())
    );

    vault.fail(Some(Fault::Drop));
    let url = format!("{}{target}", vault.url());
    assert!(client(&vault).get(url).bearer_auth(&token).send().await.is_err());

    vault.fail(None);
    assert_eq!(get(&vault, &token, target).await.status(), 200);
    vault.fail_identities(Some(Fault::Status(500)));
    let response = token_response(&vault, &vault.identity("app").header, "").await;
    assert_eq!(response.status(), 500);
}

#[tokio::test]
async fn a_client_must_trust_the_authority() {
    let vault = KeyVault::start().await.unwrap();
    let stranger = Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .resolve(HOST, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .build()
        .unwrap();

    assert!(stranger.get(vault.url()).send().await.unwrap_err().is_connect());
}
