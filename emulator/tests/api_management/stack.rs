//! A gateway with something behind it.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use emulator::api_management::{Gateway, GatewayOptions, HostKey, Subscription};
use emulator::app_insights::AppInsights;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// A gateway in front of a backend that answers with what it got.
pub struct Stack {
    gateway: Gateway,
    client: reqwest::Client,
    _closed: Option<TcpSocket>,
}

impl Stack {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(echo(listener));
        Self::before(address, HostKey::Literal("host-key".to_owned())).await
    }

    pub async fn without_backend() -> Self {
        // The port stays bound and does not listen, so that nobody else can.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        Self {
            _closed: Some(socket),
            ..Self::before(address, HostKey::Literal("host-key".to_owned())).await
        }
    }

    /// A gateway in front of what listens there, with a host key from somewhere.
    pub async fn before(backend: SocketAddr, host_key: HostKey) -> Self {
        let options = GatewayOptions {
            port: None,
            patient_host_url: format!("http://{backend}"),
            host_key,
            subscriptions: vec![Subscription { id: "clinic-7".into(), key: "good".into() }],
            telemetry: None,
            openapi: None,
        };
        Self::of(options).await
    }

    /// A gateway with both pages and nobody behind it.
    pub async fn with_pages(insights: &AppInsights) -> Self {
        let options = GatewayOptions {
            port: None,
            patient_host_url: "http://127.0.0.1:1".to_owned(),
            host_key: HostKey::Literal("host-key".to_owned()),
            subscriptions: Vec::new(),
            telemetry: Some(insights.telemetry().clone()),
            openapi: Some(json!({ "openapi": "3.0.3", "paths": {} })),
        };
        Self::of(options).await
    }

    async fn of(options: GatewayOptions) -> Self {
        let gateway = Gateway::start(options).await.unwrap();
        Self { gateway, client: emulator::http_client(), _closed: None }
    }

    /// A request without a key.
    pub fn bare(&self, method: &str, target: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}{target}", self.gateway.url()))
    }

    pub fn call(&self, method: &str, target: &str) -> RequestBuilder {
        self.bare(method, target).header("Ocp-Apim-Subscription-Key", "good")
    }

    /// The whole answer to a head as it is written here, with a good key; clients mend heads.
    pub async fn raw(&self, head: &str) -> String {
        let address = self.gateway.url().trim_start_matches("http://");
        let mut connection = TcpStream::connect(address).await.unwrap();
        let end = "Ocp-Apim-Subscription-Key: good\r\nConnection: close\r\n\r\n";
        connection.write_all(format!("{head}{end}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

/// Answers 201 with the request as JSON.
async fn echo(listener: TcpListener) {
    while let Ok((connection, _)) = listener.accept().await {
        let serving = http1::Builder::new()
            .serve_connection(TokioIo::new(connection), service_fn(describe))
            .into_future();
        tokio::spawn(serving);
    }
}

async fn describe(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let lines = |name| {
        let lines = parts.headers.get_all(name).iter();
        lines.map(|line| Value::from(line.to_str().unwrap())).collect::<Value>()
    };
    let seen = json!({
        "method": parts.method.as_str(),
        "target": parts.uri.to_string(),
        "headers": parts.headers.keys().map(|name| (name.to_string(), lines(name))).collect::<Map<_, _>>(),
        "body": String::from_utf8_lossy(&body),
    });
    let response = Response::builder()
        .status(201)
        .header("ETag", "\"1\"")
        .header("X-Method", parts.method.as_str())
        .header("Location", "/api/patient/7")
        .header("Connection", "X-Hop")
        .header("X-Hop", "1")
        .header("Keep-Alive", "timeout=5")
        .header("Cache-Control", "public, max-age=60")
        .header("Cache-Control", "stale-if-error=60");
    Ok(response.body(Full::from(seen.to_string())).unwrap())
}

/// What the backend got.
pub async fn forwarded(request: RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201, "{response:?}");
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

/// Status, content type and body of a refusal.
pub async fn refused(request: RequestBuilder) -> (u16, String, Value) {
    let response = request.send().await.unwrap();
    let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    let status = response.status().as_u16();
    let body = response.text().await.unwrap();
    (status, media_type, serde_json::from_str(&body).expect(&body))
}
