//! API Management, as far as callers and the host behind it can tell.
//!
//! It is the one public door: it demands a subscription key, takes away whatever a caller must
//! not say to the host, and says itself who calls.

mod front;
mod headers;
mod host_key;
mod refusal;
mod target;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::accept::accept;
use crate::api_docs::ApiDocs;
use crate::app_insights::{Reporter, Telemetry};
use crate::talk::talk;
use front::Front;
use host_key::CachedHostKey;
pub use host_key::{HostKey, VaultKey};

/// What a gateway is started with.
#[derive(Clone)]
pub struct GatewayOptions {
    /// The port on `127.0.0.1`; none for a free one.
    pub port: Option<u16>,
    /// The Patient API's host, `http://127.0.0.1:7071`.
    pub patient_host_url: String,
    /// The function key that it gets.
    pub host_key: HostKey,
    /// Who may call.
    pub subscriptions: Vec<Subscription>,
    /// Where it reports its requests, and what `/telemetry` shows to anyone on this machine;
    /// without it, there is no such page.
    pub telemetry: Option<Telemetry>,
    /// The API's `OpenAPI` document, which `/docs` shows to anyone on this machine; without it,
    /// there is no such page.
    pub openapi: Option<Value>,
}

/// A subscription to the API.
#[derive(Clone)]
pub struct Subscription {
    /// Its identifier, which the apps get to see.
    pub id: String,
    /// Its key.
    pub key: String,
}

/// A running gateway; dropping it closes it.
#[derive(Debug)]
pub struct Gateway {
    url: String,
    serving: JoinHandle<()>,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Something else listens there.
    #[error("port {port} of 127.0.0.1 cannot be opened")]
    Port {
        /// The port; 0 stands for a free one.
        port: u16,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The host key cannot be a header, or its vault no vault.
    #[error("the host key or its vault is unusable")]
    HostKey(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Gateway {
    /// Starts a gateway.
    ///
    /// # Errors
    /// If the port is taken, or the host key's source is unusable.
    pub async fn start(options: GatewayOptions) -> Result<Self, GatewayError> {
        let port = options.port.unwrap_or(0);
        let unavailable = |source| GatewayError::Port { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(unavailable)?;
        let url = format!("http://{}", listener.local_addr().map_err(unavailable)?);
        let client = crate::http_client();
        let host_key = CachedHostKey::new(options.host_key.clone())
            .map_err(|error| GatewayError::HostKey(error.into()))?;
        let telemetry = options.telemetry.as_ref().map(Telemetry::connection_string);
        let reporter = telemetry.and_then(|there| Reporter::new(there, "gateway".to_owned()));
        let docs = options.openapi.clone().map(|document| ApiDocs::new(document, &url));
        let front = Arc::new(Front { options, host_key, client, reporter, docs });
        let serving = tokio::spawn(serve(listener, front));
        Ok(Self { url, serving })
    }

    /// Where it listens: `http://127.0.0.1:8080`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Closes it; afterwards its port is free.
    pub async fn stop(mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, front: Arc<Front>) {
    accept(listener, |connection, peer| answer(connection, peer, Arc::clone(&front))).await;
}

async fn answer(connection: TcpStream, peer: SocketAddr, front: Arc<Front>) {
    let _ = connection.set_nodelay(true);
    talk(connection, async |request| Ok::<_, Infallible>(front.handle(request, peer.ip()).await))
        .await;
}
