//! Both HTTP servers: the vault over TLS, the identity endpoint in the clear on loopback.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::vault::Vault;
use super::{identity_api, secrets_api};
use crate::fault::{Dropped, Fault};

pub(super) type Answer = Response<Full<Bytes>>;

/// Serves the vault until aborted.
pub(super) async fn serve_vault(
    listener: TcpListener,
    tls: TlsAcceptor,
    vault: Arc<Vault>,
    url: Arc<str>,
) {
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let (tls, vault, url) = (tls.clone(), Arc::clone(&vault), Arc::clone(&url));
        connections.spawn(async move {
            let Ok(connection) = tls.accept(connection).await else {
                return;
            };
            let answer = |request: Request<Incoming>| {
                let fault = vault.vault_fault();
                let answer = fault
                    .is_none()
                    .then(|| secrets_api::answer(&vault, &url, &request.into_parts().0));
                or_fault(answer, fault)
            };
            talk(connection, answer).await;
        });
    }
}

/// Serves the identity endpoint until aborted.
pub(super) async fn serve_identities(listener: TcpListener, vault: Arc<Vault>) {
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let vault = Arc::clone(&vault);
        connections.spawn(async move {
            let answer = |request: Request<Incoming>| {
                let fault = vault.identity_fault();
                let answer =
                    fault.is_none().then(|| identity_api::answer(&vault, &request.into_parts().0));
                or_fault(answer, fault)
            };
            talk(connection, answer).await;
        });
    }
}

async fn talk<F>(
    connection: impl AsyncRead + AsyncWrite + Unpin,
    answer: impl Fn(Request<Incoming>) -> F,
) where
    F: Future<Output = Result<Answer, Dropped>>,
{
    // An error is a connection that either side has ended.
    let _ =
        http1::Builder::new().serve_connection(TokioIo::new(connection), service_fn(answer)).await;
}

async fn or_fault(answer: Option<Answer>, fault: Option<Fault>) -> Result<Answer, Dropped> {
    match (answer, fault) {
        (Some(answer), _) => Ok(answer),
        (None, Some(fault)) => fault.answer().await,
        (None, None) => Err(Dropped),
    }
}

pub(super) fn json_answer(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Full::from(body.to_string()));
    *answer.status_mut() = status;
    let media_type = HeaderValue::from_static("application/json; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, media_type);
    answer
}

pub(super) fn query_parameter(uri: &Uri, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(&format!("http://localhost/?{}", uri.query()?)).ok()?;
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
