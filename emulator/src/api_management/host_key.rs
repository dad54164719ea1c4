//! The Patient API's function key, as the gateway's policy gets it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use hyper::header::HeaderValue;
use reqwest::{Certificate, Client, RequestBuilder, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use crate::key_vault::Identity;

/// A vault that takes longer counts as down.
const FETCH_LIMIT: Duration = Duration::from_secs(5);

const VAULT_API_VERSION: &str = "7.4";
const IDENTITY_API_VERSION: &str = "2019-08-01";
const VAULT_RESOURCE: &str = "https://vault.localhost";

/// Where the key comes from.
#[derive(Clone)]
pub enum HostKey {
    /// It is this one.
    Literal(String),
    /// Key Vault has it.
    KeyVault(VaultKey),
}

/// A key in Key Vault, and who reads it.
#[derive(Clone)]
pub struct VaultKey {
    /// The secret's address, without a version.
    pub secret_uri: String,
    /// The gateway's own identity.
    pub identity: Identity,
    /// The authority of the vault's certificate, in PEM.
    pub trusted_certificate: PathBuf,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(super) enum HostKeyError {
    #[error("the vault or the identity endpoint cannot be reached, or refuses")]
    Vault(#[from] reqwest::Error),
    #[error("the vault's address, certificate or answer is unusable")]
    Unusable,
}

/// The key in use: fetched when it is first needed, kept until the host refuses it.
pub(super) struct CachedHostKey {
    vault: Option<(VaultKey, Client)>,
    current: RwLock<Option<HeaderValue>>,
    fetching: Mutex<()>,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Secret {
    value: String,
}

impl CachedHostKey {
    pub(super) fn new(key: HostKey) -> Result<Self, HostKeyError> {
        let (vault, current) = match key {
            HostKey::Literal(key) => (None, Some(header(&key)?)),
            HostKey::KeyVault(key) => {
                let client = client(&key)?;
                (Some((key, client)), None)
            }
        };
        Ok(Self { vault, current: RwLock::new(current), fetching: Mutex::default() })
    }

    pub(super) async fn get(&self) -> Result<HeaderValue, HostKeyError> {
        match self.current() {
            Some(key) => Ok(key),
            None => self.other_than(None).await,
        }
    }

    /// The key after the host has refused one; the same one if there is no other.
    pub(super) async fn after_refusal(
        &self,
        refused: &HeaderValue,
    ) -> Result<HeaderValue, HostKeyError> {
        self.other_than(Some(refused)).await
    }

    async fn other_than(&self, refused: Option<&HeaderValue>) -> Result<HeaderValue, HostKeyError> {
        let _turn = self.fetching.lock().await;
        // Whoever had the turn before may have fetched it.
        if let Some(key) = self.current().filter(|key| Some(key) != refused) {
            return Ok(key);
        }
        let Some((key, client)) = &self.vault else {
            return self.current().ok_or(HostKeyError::Unusable);
        };
        let key = fetch(key, client).await?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(key.clone());
        Ok(key)
    }

    fn current(&self) -> Option<HeaderValue> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Trusts the vault's authority alone, and knows that the vault is on this machine.
fn client(key: &VaultKey) -> Result<Client, HostKeyError> {
    let url = Url::parse(&key.secret_uri).map_err(|_| HostKeyError::Unusable)?;
    let host = url.host_str().ok_or(HostKeyError::Unusable)?;
    let pem = std::fs::read(&key.trusted_certificate).map_err(|_| HostKeyError::Unusable)?;
    let client = Client::builder()
        .no_proxy()
        .timeout(FETCH_LIMIT)
        .tls_certs_only([Certificate::from_pem(&pem)?])
        .resolve(host, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .build()?;
    Ok(client)
}

async fn fetch(key: &VaultKey, client: &Client) -> Result<HeaderValue, HostKeyError> {
    let token = format!(
        "{}?api-version={IDENTITY_API_VERSION}&resource={VAULT_RESOURCE}",
        key.identity.endpoint
    );
    let token = client.get(token).header("X-IDENTITY-HEADER", &key.identity.header);
    let Token { access_token } = json(token).await?;
    let secret = format!("{}?api-version={VAULT_API_VERSION}", key.secret_uri);
    let Secret { value } = json(client.get(secret).bearer_auth(access_token)).await?;
    header(&value)
}

async fn json<T: DeserializeOwned>(call: RequestBuilder) -> Result<T, HostKeyError> {
    let answer = call.send().await?.error_for_status()?.bytes().await?;
    serde_json::from_slice(&answer).map_err(|_| HostKeyError::Unusable)
}

fn header(key: &str) -> Result<HeaderValue, HostKeyError> {
    let mut header = HeaderValue::from_str(key).map_err(|_| HostKeyError::Unusable)?;
    header.set_sensitive(true);
    Ok(header)
}
