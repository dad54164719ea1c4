//! Both HTTP servers: the vault over TLS, the identity endpoint in the clear on loopback.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, Uri};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::vault::Vault;
use super::{identity_api, secrets_api};
use crate::fault::{Dropped, Fault};
use crate::http::JSON;
use crate::http::accept;
use crate::http::{HEAD_LIMIT, TimedBody, talk};

pub(super) type Answer = Response<Full<Bytes>>;

/// Serves the vault until aborted.
pub(super) async fn serve_vault(
    listener: TcpListener,
    tls: TlsAcceptor,
    vault: Arc<Vault>,
    url: Arc<str>,
) {
    let talk = |connection, _| {
        let (tls, vault, url) = (tls.clone(), Arc::clone(&vault), Arc::clone(&url));
        async move {
            let (vault, url) = (&*vault, &*url);
            let answer = |request: Request<TimedBody>| {
                let (request, _) = request.into_parts();
                unless(vault.vault_fault(), move || secrets_api::answer(vault, url, &request))
            };
            if let Ok(Ok(connection)) = timeout(HEAD_LIMIT, tls.accept(connection)).await {
                talk(connection, answer).await;
            }
        }
    };
    accept(listener, talk).await;
}

/// Serves the identity endpoint until aborted.
pub(super) async fn serve_identities(listener: TcpListener, vault: Arc<Vault>) {
    let talk = |connection, _| {
        let vault = Arc::clone(&vault);
        async move {
            let vault = &*vault;
            let answer = |request: Request<TimedBody>| {
                let (request, _) = request.into_parts();
                unless(vault.identity_fault(), move || identity_api::answer(vault, &request))
            };
            talk(connection, answer).await;
        }
    };
    accept(listener, talk).await;
}

/// The answer, unless the request meets with a fault.
async fn unless(fault: Option<Fault>, answer: impl FnOnce() -> Answer) -> Result<Answer, Dropped> {
    match fault {
        Some(fault) => fault.answer().await,
        None => Ok(answer()),
    }
}

pub(super) fn json_answer(status: StatusCode, body: &Value) -> Answer {
    crate::http::json_answer(status, JSON, body)
}

pub(super) fn query_parameter(uri: &Uri, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(&format!("http://localhost/?{}", uri.query()?)).ok()?;
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
