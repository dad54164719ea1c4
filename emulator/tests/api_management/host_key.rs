//! The host key: cached, and fetched again when the host refuses it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use emulator::api_management::{HostKey, VaultKey};
use emulator::key_vault::{Fault, KeyVault};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::stack::{Stack, refused};

/// A host that takes some keys, and counts what it refuses.
#[derive(Clone, Default)]
struct PickyHost {
    keys: Arc<Mutex<Vec<String>>>,
    refusals: Arc<AtomicUsize>,
}

impl PickyHost {
    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let host = self.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let host = host.clone();
                tokio::spawn(async move {
                    let answer = service_fn(|request| host.answer(request));
                    http1::Builder::new().serve_connection(TokioIo::new(connection), answer).await
                });
            }
        });
        address
    }

    /// Answers like the Functions host: without a good key, 401 and nothing else.
    async fn answer(&self, request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
        let key = request.headers()["x-functions-key"].to_str().unwrap().to_owned();
        let body = request.into_body().collect().await?.to_bytes();
        let mut response = Response::new(Full::from(body));
        if !self.keys.lock().unwrap().contains(&key) {
            self.refusals.fetch_add(1, Ordering::Relaxed);
            *response.status_mut() = hyper::StatusCode::UNAUTHORIZED;
            *response.body_mut() = Full::default();
        }
        Ok(response)
    }

    fn accept(&self, keys: &[&str]) {
        *self.keys.lock().unwrap() = keys.iter().map(|key| (*key).to_owned()).collect();
    }
}

/// A vault that holds the host key, and a gateway that may read it.
async fn start(host: &PickyHost) -> (KeyVault, Stack) {
    let vault = KeyVault::start().await.unwrap();
    vault.set_secret("host-key", "first");
    vault.grant("gateway", "host-key");
    let key = VaultKey {
        secret_uri: vault.secret_uri("host-key"),
        identity: vault.identity("gateway"),
        trusted_certificate: vault.trusted_certificate().to_owned(),
    };
    let stack = Stack::before(host.start().await, HostKey::KeyVault(key)).await;
    (vault, stack)
}

#[tokio::test]
async fn the_key_is_fetched_once_and_kept() {
    let host = PickyHost::default();
    host.accept(&["first"]);
    let (vault, stack) = start(&host).await;

    for _ in 0..3 {
        assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 200);
    }
    vault.fail(Some(Fault::Drop));
    assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 200);

    assert_eq!(vault.read_count("gateway", "host-key"), 1);
    assert_eq!(host.refusals.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_refused_key_is_fetched_again_and_the_request_repeated_with_its_body() {
    let host = PickyHost::default();
    host.accept(&["first"]);
    let (vault, stack) = start(&host).await;
    stack.call("GET", "/patient/1").send().await.unwrap();

    host.accept(&["second"]);
    vault.set_secret("host-key", "second");
    let calls = (0..16).map(|_| stack.call("POST", "/patient").body("{}").send());
    for answer in futures_util::future::join_all(calls).await {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.text().await.unwrap(), "{}");
    }

    assert_eq!(vault.read_count("gateway", "host-key"), 2);
    assert!(host.refusals.load(Ordering::Relaxed) <= 16);
}

#[tokio::test]
async fn a_key_that_stays_refused_is_tried_twice_and_no_more() {
    let host = PickyHost::default();
    let (_vault, stack) = start(&host).await;

    let answer = stack.call("GET", "/patient/1").send().await.unwrap();

    assert_eq!(answer.status(), 401);
    assert_eq!(host.refusals.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn without_any_key_the_api_is_unavailable_until_the_vault_answers() {
    let host = PickyHost::default();
    host.accept(&["first"]);
    let (vault, stack) = start(&host).await;

    vault.revoke("gateway", "host-key");
    let (status, media_type, problem) = refused(stack.call("GET", "/patient/1")).await;
    assert_eq!((status, media_type.as_str()), (503, "application/problem+json"));
    assert_eq!(problem["type"], "urn:problem:patient-records:unavailable");

    vault.grant("gateway", "host-key");
    assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 200);
}
