//! `send-request`, with a token of the gateway's identity.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::{Certificate, Client, Url};
use serde::Deserialize;

use super::message::{Body, Response};
use super::policy::SendRequest;
use crate::http::IDLE_TIME_MAX;
use crate::key_vault::Identity;

const IDENTITY_API_VERSION: &str = "2019-08-01";

/// The gateway's identity and the certificate that it trusts.
#[derive(Clone)]
pub struct GatewayIdentity {
    /// Its managed identity.
    pub identity: Identity,
    /// The file with the certificate of the vault's authority, in PEM.
    pub trusted_certificate: PathBuf,
}

/// Sends the requests of policies.
pub(super) struct Sender {
    client: Client,
    identity: Identity,
    /// Tokens by resource, cached until they expire
    /// (<https://learn.microsoft.com/azure/api-management/authentication-managed-identity-policy>).
    tokens: Mutex<HashMap<String, Token>>,
}

/// Why there is no response.
#[derive(Debug)]
pub(super) enum SendError {
    Connection,
    Timeout,
}

#[derive(Clone, Deserialize)]
struct Token {
    #[serde(rename = "access_token")]
    text: String,
    /// Seconds since 1970.
    expires_on: String,
}

impl Sender {
    /// Trusts this authority alone, and resolves the hosts of these URLs to this machine.
    ///
    /// # Errors
    /// If the certificate or a URL is invalid.
    pub(super) fn new<'u>(
        own: &GatewayIdentity,
        urls: impl IntoIterator<Item = &'u Url>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let pem = std::fs::read(&own.trusted_certificate)?;
        let mut client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(IDLE_TIME_MAX)
            .tls_certs_only([Certificate::from_pem(&pem)?]);
        for host in urls.into_iter().filter_map(Url::host_str) {
            client = client.resolve(host, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        }
        Ok(Self {
            client: client.build()?,
            identity: own.identity.clone(),
            tokens: Mutex::default(),
        })
    }

    /// Sends a request and reads the whole response. A failure to get a token is an error of the
    /// request.
    pub(super) async fn send(&self, request: &SendRequest) -> Result<Response, SendError> {
        let response =
            tokio::time::timeout(request.timeout, self.send_without_timeout(request)).await;
        response.map_err(|_| SendError::Timeout)?
    }

    async fn send_without_timeout(&self, request: &SendRequest) -> Result<Response, SendError> {
        let mut call = self.client.request(request.method.clone(), request.url.clone());
        if let Some(resource) = &request.resource {
            call = call.bearer_auth(self.token(resource).await?);
        }
        let mut response = call.send().await?;
        let headers = std::mem::take(response.headers_mut());
        let status = response.status();
        Ok(Response { status, headers, body: Body::from(response.bytes().await?) })
    }

    async fn token(&self, resource: &str) -> Result<String, SendError> {
        if let Some(token) = self.tokens().get(resource).filter(|token| token.is_valid()) {
            return Ok(token.text.clone());
        }
        let Identity { endpoint, header, .. } = &self.identity;
        let url = format!("{endpoint}?api-version={IDENTITY_API_VERSION}&resource={resource}");
        let call = self.client.get(url).header("X-IDENTITY-HEADER", header);
        let response = call.send().await?.error_for_status()?.bytes().await?;
        let token: Token = serde_json::from_slice(&response).map_err(|_| SendError::Connection)?;
        let text = token.text.clone();
        self.tokens().insert(resource.to_owned(), token);
        Ok(text)
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<String, Token>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Token {
    fn is_valid(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.expires_on.parse().is_ok_and(|expires: u64| now < expires)
    }
}

impl From<reqwest::Error> for SendError {
    fn from(_: reqwest::Error) -> Self {
        Self::Connection
    }
}
