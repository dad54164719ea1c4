//! The two HTTP servers: the vault over TLS, the identity endpoint over plain HTTP on loopback.

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
use crate::http::{HEAD_LIMIT, MinRateBody, serve_connection};

pub(super) type HttpResponse = Response<Full<Bytes>>;

/// Serves the vault until aborted.
pub(super) async fn serve_vault(
    listener: TcpListener,
    tls: TlsAcceptor,
    vault: Arc<Vault>,
    url: Arc<str>,
) {
    let serve = |connection, _| {
        let (tls, vault, url) = (tls.clone(), Arc::clone(&vault), Arc::clone(&url));
        async move {
            let (vault, url) = (&*vault, &*url);
            let handler = |request: Request<MinRateBody>| {
                let (request, _) = request.into_parts();
                fault_or(vault.vault_fault(), move || secrets_api::respond(vault, url, &request))
            };
            if let Ok(Ok(connection)) = timeout(HEAD_LIMIT, tls.accept(connection)).await {
                serve_connection(connection, handler).await;
            }
        }
    };
    accept(listener, serve).await;
}

/// Serves the identity endpoint until aborted.
pub(super) async fn serve_identities(listener: TcpListener, vault: Arc<Vault>) {
    let serve = |connection, _| {
        let vault = Arc::clone(&vault);
        async move {
            let vault = &*vault;
            let handler = |request: Request<MinRateBody>| {
                let (request, _) = request.into_parts();
                fault_or(vault.identity_fault(), move || identity_api::respond(vault, &request))
            };
            serve_connection(connection, handler).await;
        }
    };
    accept(listener, serve).await;
}

/// The response, or the fault if one is set.
async fn fault_or(
    fault: Option<Fault>,
    respond: impl FnOnce() -> HttpResponse,
) -> Result<HttpResponse, Dropped> {
    match fault {
        Some(fault) => fault.respond().await,
        None => Ok(respond()),
    }
}

pub(super) fn json_response(status: StatusCode, body: &Value) -> HttpResponse {
    crate::http::json_response(status, JSON, body)
}

pub(super) fn query_parameter(uri: &Uri, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(&format!("http://localhost/?{}", uri.query()?)).ok()?;
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
