//! Its HTTP side. Plain hyper, since warp cannot drop a connection in place of an answer.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::LOCATION;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use super::register::{self, Reaction, Recorded, Register};
use super::{Behaviour, HealthCall, RecordedCall};
use crate::fault::Dropped;
use crate::http::accept;
use crate::http::json_answer;
use crate::http::{TimedBody, talk};

pub(super) const PATH: &str = "/api/auditrecord";

const HEALTH_PATH: &str = "/api/health";

/// Between two attempts to get the port back after having refused connections.
const BIND_INTERVAL: Duration = Duration::from_millis(10);

type Answer = Response<Full<Bytes>>;

/// Serves until aborted; opens and closes the port as the behaviour demands.
pub(super) async fn serve(first: TcpListener, key: Arc<RwLock<String>>, register: Arc<Register>) {
    let mut behaviour = register.behaviour();
    let address = first.local_addr();
    let mut listener = Some(first);
    while let Some(open) = listener.take() {
        tokio::select! {
            () = accept(open, |it, _| serve_connection(it, Arc::clone(&key), Arc::clone(&register))) => return,
            _ = behaviour.wait_for(|behaviour| *behaviour == Behaviour::Refuse) => {}
        }
        let opening = behaviour.wait_for(|behaviour| *behaviour != Behaviour::Refuse);
        if opening.await.is_ok() {
            listener = bind_again(&address).await;
        }
    }
}

async fn bind_again(address: &io::Result<SocketAddr>) -> Option<TcpListener> {
    let address = address.as_ref().ok()?;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Some(listener),
            Err(_) => tokio::time::sleep(BIND_INTERVAL).await,
        }
    }
}

async fn serve_connection(
    connection: TcpStream,
    key: Arc<RwLock<String>>,
    register: Arc<Register>,
) {
    talk(connection, |request| answer(request, &key, &register)).await;
}

/// Checks in the order in which the Functions host does: route, key, and then the function.
async fn answer(
    request: Request<TimedBody>,
    key: &RwLock<String>,
    register: &Register,
) -> Result<Answer, Dropped> {
    register.count_call();
    let is_about_health = match (request.method(), request.uri().path()) {
        (&Method::POST, PATH) => false,
        (&Method::GET | &Method::HEAD, HEALTH_PATH) => true,
        _ => return Ok(empty(StatusCode::NOT_FOUND)),
    };
    let key = key.read().unwrap_or_else(PoisonError::into_inner).clone();
    if header(&request, "x-functions-key") != Some(key) {
        return Ok(empty(StatusCode::UNAUTHORIZED));
    }
    if is_about_health {
        register.note_health_call(HealthCall { traceparent: header(&request, "traceparent") });
    }
    match register.react().await {
        Reaction::Record { then_drop } if is_about_health => {
            if then_drop {
                Err(Dropped)
            } else {
                Ok(healthy())
            }
        }
        Reaction::Record { then_drop: false } => record(request, register).await,
        Reaction::Record { then_drop: true } => {
            record(request, register).await?;
            Err(Dropped)
        }
        Reaction::Status(status) => {
            let status = StatusCode::from_u16(status);
            Ok(empty(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)))
        }
        Reaction::Hang => pending().await,
        Reaction::Garbage => {
            Ok(json_answer(StatusCode::CREATED, "application/json", &json!(["not", "a", "record"])))
        }
        Reaction::Refuse => Err(Dropped),
    }
}

async fn record(request: Request<TimedBody>, register: &Register) -> Result<Answer, Dropped> {
    let idempotency_key = header(&request, "idempotency-key");
    let traceparent = header(&request, "traceparent");
    let body = request.into_body().collect().await.map_err(|_| Dropped)?;
    let body = match serde_json::from_slice::<Value>(&body.to_bytes()) {
        Ok(body) if body.is_object() => body,
        Ok(_) | Err(_) => return Ok(empty(StatusCode::BAD_REQUEST)),
    };
    let call = RecordedCall { id: register::new_id(), idempotency_key, traceparent, body };
    Ok(match register.record(call) {
        Recorded::Now(body) => created(&body),
        Recorded::Before(body) => {
            let mut answer = created(&body);
            let replayed = hyper::header::HeaderValue::from_static("true");
            answer.headers_mut().insert("idempotency-replayed", replayed);
            answer
        }
        Recorded::KeyReused => empty(StatusCode::UNPROCESSABLE_ENTITY),
    })
}

fn header(request: &Request<TimedBody>, name: &str) -> Option<String> {
    let value = request.headers().get(name)?.to_str().ok()?;
    Some(value.to_owned())
}

fn healthy() -> Answer {
    json_answer(StatusCode::OK, "application/json", &json!({}))
}

fn created(body: &Value) -> Answer {
    let mut answer = json_answer(StatusCode::CREATED, "application/json", body);
    let location = format!("{PATH}/{}", body["id"].as_str().unwrap_or_default());
    if let Ok(location) = location.parse() {
        answer.headers_mut().insert(LOCATION, location);
    }
    answer
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}
