//! A stand-in for API Management.
//!
//! It executes the policies in `terraform/policies`, which Terraform deploys; a gateway reads them
//! at start and refuses anything unsupported. The rest is what API Management does itself: it finds
//! the operation and the subscription, raises documented errors, and speaks HTTP.

mod cache;
mod context;
mod error;
mod expression;
mod files;
mod forward;
mod limits;
mod message;
mod operations;
mod pipeline;
mod policy;
mod products;
mod query;
mod renderings;
mod scopes;
mod send;
mod server;
mod subscriptions;
mod template;
mod token;
mod values;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::http::request::Parts;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::app_insights::Reporter;
use crate::http::accept;
use crate::http::serve_connection;
use cache::Cache;
pub use files::{PolicyError, PolicyFiles};
use forward::Backend;
use limits::Limits;
use operations::Operations;
use pipeline::Pipeline;
pub use products::{FirstSubscription, Product, Products};
pub use renderings::{Rendering, renderings};
use scopes::Scopes;
pub use send::GatewayIdentity;
use send::Sender;
use server::Server;
pub use subscriptions::Subscription;
use subscriptions::Subscriptions;
pub use token::SigningKey;
use values::FileValues;
pub use values::{EntraId, PolicyValues};

/// Serves a page; `None` if the path belongs to no page.
pub type Pages = Arc<dyn Fn(&Parts) -> Option<Response<Full<Bytes>>> + Send + Sync>;

/// The options of a gateway.
#[derive(Clone)]
pub struct ApiManagementOptions {
    /// The port on `127.0.0.1`; `None` for a free one.
    pub port: Option<u16>,
    /// The backend with its route prefix, such as `http://127.0.0.1:7071/api`.
    pub service_url: String,
    /// The API's `OpenAPI` document, which defines the operations.
    pub openapi: Value,
    /// The policy files.
    pub policies: PolicyFiles,
    /// The values for the policy files.
    pub values: PolicyValues,
    /// The products.
    pub products: Products,
    /// The subscriptions.
    pub subscriptions: Vec<Subscription>,
    /// The gateway's identity for requests of policies.
    pub identity: GatewayIdentity,
    /// The keys that sign tokens, if the values require tokens.
    pub signing_keys: Vec<SigningKey>,
    /// The connection string for its telemetry.
    pub insights: Option<String>,
    /// Pages that are served without a key.
    pub pages: Option<Pages>,
}

/// A running gateway, closed when dropped.
#[derive(Debug)]
pub struct ApiManagement {
    url: String,
    serving: JoinHandle<()>,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum ApiManagementError {
    /// The port is taken.
    #[error("port {port} of 127.0.0.1 cannot be opened")]
    Port {
        /// The port; 0 stands for a free one.
        port: u16,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A policy is invalid or not supported.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The trusted certificate is invalid.
    #[error("the client for requests of policies cannot be built")]
    Identity(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ApiManagement {
    /// Starts a gateway.
    ///
    /// # Errors
    /// If the port is taken, or a policy is invalid or not supported.
    pub async fn start(options: ApiManagementOptions) -> Result<Self, ApiManagementError> {
        let values = FileValues::new(&options.values, &options.products, &options.openapi);
        let scopes = Scopes::load(&options.policies, &values)?;
        let port = options.port.unwrap_or(0);
        let unavailable = |source| ApiManagementError::Port { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(unavailable)?;
        let url = format!("http://{}", listener.local_addr().map_err(unavailable)?);
        // The first client of a process installs the crypto provider.
        let backend = Backend::new(crate::http_client(), options.service_url);
        let sender = Sender::new(&options.identity, scopes.urls());
        let pipeline = Pipeline {
            cache: Cache::default(),
            limits: Limits::new(),
            sender: sender.map_err(ApiManagementError::Identity)?,
            backend,
            signing_keys: options.signing_keys,
        };
        let server = Arc::new(Server {
            url: url.clone(),
            operations: Operations::from_openapi(&options.openapi),
            subscriptions: Subscriptions::new(options.subscriptions),
            scopes,
            pipeline,
            reporter: options.insights.and_then(|to| Reporter::new(&to, "gateway".to_owned())),
            pages: options.pages,
        });
        let serving = tokio::spawn(serve(listener, server));
        Ok(Self { url, serving })
    }

    /// The gateway's URL, such as `http://127.0.0.1:8080`, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the gateway; afterwards its port is free.
    pub async fn stop(mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
    }
}

impl Drop for ApiManagement {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, server: Arc<Server>) {
    accept(listener, |connection, peer| serve_client(connection, peer, Arc::clone(&server))).await;
}

async fn serve_client(connection: TcpStream, peer: SocketAddr, server: Arc<Server>) {
    let _ = connection.set_nodelay(true);
    serve_connection(connection, async |request| server.handle(request, peer.ip()).await).await;
}
