//! API Management, as far as callers and the host behind it can tell.
//!
//! It does what the policies in `terraform/policies` say, which are the ones that Terraform
//! deploys; they are read, and anything unknown in them refused, when a gateway starts. What
//! remains here is what API Management itself does: it finds the operation and the subscription,
//! raises documented errors, and speaks HTTP.

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
pub use send::OwnIdentity;
use send::Sender;
use server::Server;
pub use subscriptions::Subscription;
use subscriptions::Subscriptions;
pub use token::SigningKey;
use values::FileValues;
pub use values::{EntraId, PolicyValues};

/// Responds to a request for a page; none if its path belongs to no page.
pub type Pages = Arc<dyn Fn(&Parts) -> Option<Response<Full<Bytes>>> + Send + Sync>;

/// What a gateway is started with.
#[derive(Clone)]
pub struct ApiManagementOptions {
    /// The port on `127.0.0.1`; none for a free one.
    pub port: Option<u16>,
    /// The Patient API behind it, with its prefix: `http://127.0.0.1:7071/api`.
    pub service_url: String,
    /// The API's `OpenAPI` document, whose operations can be called.
    pub openapi: Value,
    /// Its policies.
    pub policies: PolicyFiles,
    /// What fills them.
    pub values: PolicyValues,
    /// What can be subscribed to.
    pub products: Products,
    /// Who may call.
    pub subscriptions: Vec<Subscription>,
    /// As whom policies ask others.
    pub identity: OwnIdentity,
    /// The keys of tokens, if the values demand any.
    pub signing_keys: Vec<SigningKey>,
    /// The connection string of the Application Insights to which it reports its requests.
    pub insights: Option<String>,
    /// Pages that it serves in front of the API, without a key.
    pub pages: Option<Pages>,
}

/// A running gateway; dropping it closes it.
#[derive(Debug)]
pub struct ApiManagement {
    url: String,
    serving: JoinHandle<()>,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum ApiManagementError {
    /// Something else listens there.
    #[error("port {port} of 127.0.0.1 cannot be opened")]
    Port {
        /// The port; 0 stands for a free one.
        port: u16,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A policy is not as it must be, or not known here.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The certificate of whom policies ask is none.
    #[error("the requests of policies cannot be sent")]
    Identity(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ApiManagement {
    /// Starts a gateway.
    ///
    /// # Errors
    /// If the port is taken, or something in the policies is not known.
    pub async fn start(options: ApiManagementOptions) -> Result<Self, ApiManagementError> {
        let values = FileValues::new(&options.values, &options.products, &options.openapi);
        let scopes = Scopes::load(&options.policies, &values)?;
        let port = options.port.unwrap_or(0);
        let unavailable = |source| ApiManagementError::Port { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(unavailable)?;
        let url = format!("http://{}", listener.local_addr().map_err(unavailable)?);
        // The first client of a process chooses the cryptography for those after it.
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
            operations: Operations::of(&options.openapi),
            subscriptions: Subscriptions::new(options.subscriptions),
            scopes,
            pipeline,
            reporter: options.insights.and_then(|to| Reporter::new(&to, "gateway".to_owned())),
            pages: options.pages,
        });
        let serving = tokio::spawn(serve(listener, server));
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

impl Drop for ApiManagement {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, server: Arc<Server>) {
    accept(listener, |connection, peer| respond(connection, peer, Arc::clone(&server))).await;
}

async fn respond(connection: TcpStream, peer: SocketAddr, server: Arc<Server>) {
    let _ = connection.set_nodelay(true);
    serve_connection(connection, async |request| server.handle(request, peer.ip()).await).await;
}
