//! A gateway with the deployed policies, a vault and a backend.

use std::net::SocketAddr;
use std::path::Path;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use stand_ins::api_management::{
    ApiManagement, ApiManagementError, ApiManagementOptions, GatewayIdentity, PolicyFiles,
    PolicyValues, Products, Subscription,
};
use stand_ins::key_vault::KeyVault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::backend::echo;

/// The secret, and the identity that may read it.
pub const HOST_KEY: &str = "host-key";
pub const GATEWAY: &str = "gateway";

/// A gateway and its vault, which has the host key `first`.
pub struct Stack {
    pub vault: KeyVault,
    gateway: ApiManagement,
    client: reqwest::Client,
    _closed: Option<TcpSocket>,
}

impl Stack {
    /// In front of a backend that echoes requests.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(echo(listener));
        Self::before(address).await
    }

    pub async fn without_backend() -> Self {
        // The port stays bound without listening, so that no other process takes it.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        Self { _closed: Some(socket), ..Self::before(address).await }
    }

    /// In front of this address.
    pub async fn before(backend: SocketAddr) -> Self {
        Self::with(backend, |_| {}).await
    }

    /// In front of a backend that echoes requests, with other options.
    pub async fn echoing(change: impl FnOnce(&mut ApiManagementOptions)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(echo(listener));
        Self::with(address, change).await
    }

    /// In front of this address, with other options.
    pub async fn with(backend: SocketAddr, change: impl FnOnce(&mut ApiManagementOptions)) -> Self {
        let vault = KeyVault::start().await.unwrap();
        vault.set_secret(HOST_KEY, "first");
        vault.grant(GATEWAY, HOST_KEY);
        let mut options = options(&vault, backend);
        change(&mut options);
        let gateway = ApiManagement::start(options).await.unwrap();
        Self { vault, gateway, client: stand_ins::http_client(), _closed: None }
    }

    /// A request without a key.
    pub fn bare(&self, method: &str, target: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}{target}", self.gateway.url()))
    }

    /// A request with a key for the product `patient-records`.
    pub fn call(&self, method: &str, target: &str) -> RequestBuilder {
        self.call_with("good", method, target)
    }

    /// A request with another key.
    pub fn call_with(&self, key: &str, method: &str, target: &str) -> RequestBuilder {
        self.bare(method, target).header("Ocp-Apim-Subscription-Key", key)
    }

    /// The whole response to this literal head with a valid key; HTTP clients would correct the
    /// head.
    pub async fn raw(&self, head: &str) -> String {
        let address = self.gateway.url().trim_start_matches("http://");
        let mut connection = TcpStream::connect(address).await.unwrap();
        let end = "Ocp-Apim-Subscription-Key: good\r\nConnection: close\r\n\r\n";
        connection.write_all(format!("{head}{end}").as_bytes()).await.unwrap();
        let mut response = String::new();
        connection.read_to_string(&mut response).await.unwrap();
        response
    }
}

/// The error of starting a gateway with these policy files.
pub async fn start_error(policies: PolicyFiles) -> ApiManagementError {
    let vault = KeyVault::start().await.unwrap();
    let options = options(&vault, "127.0.0.1:1".parse().unwrap());
    ApiManagement::start(ApiManagementOptions { policies, ..options }).await.unwrap_err()
}

fn options(vault: &KeyVault, backend: SocketAddr) -> ApiManagementOptions {
    let subscription = |id: &str, product: &str, key: &str| Subscription {
        id: id.to_owned(),
        name: format!("The organisation of {id}"),
        product: product.to_owned(),
        key: key.to_owned(),
    };
    ApiManagementOptions {
        port: None,
        service_url: format!("http://{backend}/api"),
        openapi: document(),
        policies: PolicyFiles::deployed(),
        values: PolicyValues::unlimited(vault.secret_uri(HOST_KEY)),
        products: Products::deployed(),
        subscriptions: vec![
            subscription("clinic-7", "patient-records", "good"),
            subscription("clinic-8", "patient-records", "better"),
            subscription("lab", "laboratory", "measuring"),
            subscription("watch", "monitoring", "watching"),
            subscription("nowhere", "no product", "lost"),
        ],
        identity: GatewayIdentity {
            identity: vault.identity(GATEWAY),
            trusted_certificate: vault.trusted_certificate().to_owned(),
        },
        signing_keys: Vec::new(),
        insights: None,
        pages: None,
    }
}

/// The document whose operations are deployed.
fn document() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../patient-tests-api/openapi.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// Asserts an uncacheable problem; returns its status, kind and body.
pub async fn problem(response: Response) -> (u16, String, Value) {
    let header = |name| {
        let lines = response.headers().get_all(name).iter();
        lines.map(|line| line.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(header("content-type"), ["application/problem+json"], "{response:?}");
    assert_eq!(header("cache-control"), ["no-store"], "{response:?}");
    let status = response.status().as_u16();
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body["status"], status);
    let kind = body["type"].as_str().unwrap().strip_prefix("urn:problem:patient-records:");
    (status, kind.unwrap().to_owned(), body)
}
