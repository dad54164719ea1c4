//! Backends of the gateway.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use reqwest::RequestBuilder;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Returns 201 with the request as JSON.
pub async fn echo(listener: TcpListener) {
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
        .header("Server", "Kestrel")
        .header("X-Powered-By", "ASP.NET")
        .header("Request-Context", "appId=cid-v1:00000000")
        .header("Cache-Control", "public, max-age=60")
        .header("Cache-Control", "stale-if-error=60");
    Ok(response.body(Full::from(seen.to_string())).unwrap())
}

/// The request that the backend received.
pub async fn forwarded(request: RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201, "{response:?}");
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

/// Responds to each request with this head and no body.
pub async fn one_that_says(head: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = connection.read(&mut request).await;
            let response = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
            let _ = connection.write_all(response.as_bytes()).await;
        }
    });
    address
}

/// A host that accepts some keys and counts refusals.
#[derive(Clone, Default)]
pub struct PickyHost {
    keys: Arc<Mutex<Vec<String>>>,
    refusals: Arc<AtomicUsize>,
}

impl PickyHost {
    pub async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let host = self.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let host = host.clone();
                tokio::spawn(async move {
                    let response = service_fn(|request| host.respond(request));
                    http1::Builder::new().serve_connection(TokioIo::new(connection), response).await
                });
            }
        });
        address
    }

    /// Responds like the Functions host: 401 without a valid key.
    async fn respond(&self, request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
        let key = request.headers()["x-functions-key"].to_str().unwrap().to_owned();
        let body = request.into_body().collect().await?.to_bytes();
        let mut response = Response::new(Full::from(body));
        if !self.keys.lock().unwrap().contains(&key) {
            self.refusals.fetch_add(1, Ordering::Relaxed);
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            *response.body_mut() = Full::default();
        }
        Ok(response)
    }

    pub fn accept(&self, keys: &[&str]) {
        *self.keys.lock().unwrap() = keys.iter().map(|key| (*key).to_owned()).collect();
    }

    pub fn refusals(&self) -> usize {
        self.refusals.load(Ordering::Relaxed)
    }
}
