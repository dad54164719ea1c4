//! The HTTP server. Plain hyper, since warp cannot drop a connection instead of responding.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{LINK, LOCATION};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use super::register::{self, Reaction, Recorded, Register};
use super::{Behaviour, HealthCall, RecordedCall};
use crate::fault::Dropped;
use crate::http::accept;
use crate::http::json_response;
use crate::http::{MinRateBody, serve_connection};

pub(super) const PATH: &str = "/api/auditrecord";

const SEARCH_PATH: &str = "/api/auditrecord/search";

const HEALTH_PATH: &str = "/api/health";

/// The pause between two attempts to open the port again.
const BIND_INTERVAL: Duration = Duration::from_millis(10);

/// The keys that are accepted.
pub(super) struct Keys {
    /// For `CreateAuditRecord` and `Health`.
    pub(super) writing: Arc<RwLock<String>>,
    /// For `SearchAuditRecords` and `LoadAuditRecord`.
    pub(super) reading: Arc<str>,
}

/// The function that a request is for.
enum Function {
    Create,
    Search,
    /// With the record's id.
    Load(String),
    Health,
}

type HttpResponse = Response<Full<Bytes>>;

/// Serves until aborted; closes and opens the port according to the behaviour.
pub(super) async fn serve(first: TcpListener, keys: Keys, register: Arc<Register>) {
    let keys = Arc::new(keys);
    let mut behaviour = register.behaviour();
    let address = first.local_addr();
    let mut listener = Some(first);
    while let Some(open) = listener.take() {
        tokio::select! {
            () = accept(open, |stream, _| serve_stream(stream, Arc::clone(&keys), Arc::clone(&register))) => return,
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

async fn serve_stream(connection: TcpStream, keys: Arc<Keys>, register: Arc<Register>) {
    serve_connection(connection, |request| respond(request, &keys, &register)).await;
}

/// Checks in the order of the Functions host: route, key, then the function.
async fn respond(
    request: Request<MinRateBody>,
    keys: &Keys,
    register: &Register,
) -> Result<HttpResponse, Dropped> {
    register.count_call();
    let Some(function) = function(&request) else { return Ok(empty(StatusCode::NOT_FOUND)) };
    let key = match function {
        Function::Create | Function::Health => {
            keys.writing.read().unwrap_or_else(PoisonError::into_inner).clone()
        }
        Function::Search | Function::Load(_) => keys.reading.to_string(),
    };
    if header(&request, "x-functions-key") != Some(key) {
        return Ok(empty(StatusCode::UNAUTHORIZED));
    }
    if let Function::Health = function {
        register.record_health_call(HealthCall { traceparent: header(&request, "traceparent") });
    }
    match register.react().await {
        Reaction::Record { then_drop } => {
            let response = match function {
                Function::Create => record(request, register).await?,
                Function::Search => search(request, register).await?,
                Function::Load(id) => load(&id, register),
                Function::Health => healthy(),
            };
            if then_drop { Err(Dropped) } else { Ok(response) }
        }
        Reaction::Status(status) => {
            let status = StatusCode::from_u16(status);
            Ok(empty(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)))
        }
        Reaction::Hang => pending().await,
        Reaction::Garbage => Ok(json_response(
            StatusCode::CREATED,
            "application/json",
            &json!(["not", "a", "record"]),
        )),
        Reaction::Refuse => Err(Dropped),
    }
}

/// The function that the host would call.
fn function(request: &Request<MinRateBody>) -> Option<Function> {
    match (request.method(), request.uri().path()) {
        (&Method::POST, PATH) => Some(Function::Create),
        (&Method::POST, SEARCH_PATH) => Some(Function::Search),
        (&Method::GET | &Method::HEAD, HEALTH_PATH) => Some(Function::Health),
        (&Method::GET, path) => {
            let id = path.strip_prefix(PATH)?.strip_prefix('/')?;
            Some(Function::Load(id.to_owned()))
        }
        _ => None,
    }
}

async fn search(
    request: Request<MinRateBody>,
    register: &Register,
) -> Result<HttpResponse, Dropped> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let parameter =
        |name: &str| query.split('&').find_map(|it| it.strip_prefix(name)?.strip_prefix('='));
    let limit = parameter("limit").and_then(|text| text.parse().ok()).unwrap_or(100);
    let body = request.into_body().collect().await.map_err(|_| Dropped)?;
    let criteria = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    let Some(page) = register.search(&criteria, parameter("cursor"), limit) else {
        return Ok(empty(StatusCode::BAD_REQUEST));
    };
    let mut response = json_response(StatusCode::OK, "application/json", &json!(page.records));
    if let Some(next) = page.next
        && let Ok(link) = format!("<?cursor={next}&limit={limit}>; rel=\"next\"").parse()
    {
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}

fn load(id: &str, register: &Register) -> HttpResponse {
    match register.find(id) {
        Some(record) => json_response(StatusCode::OK, "application/json", &record),
        None => json_response(
            StatusCode::NOT_FOUND,
            "application/problem+json",
            &json!({"status": 404, "traceId": "0af7651916cd43dd8448eb211c80319c"}),
        ),
    }
}

async fn record(
    request: Request<MinRateBody>,
    register: &Register,
) -> Result<HttpResponse, Dropped> {
    let idempotency_key = header(&request, "idempotency-key");
    let traceparent = header(&request, "traceparent");
    let body = request.into_body().collect().await.map_err(|_| Dropped)?;
    let body = match serde_json::from_slice::<Value>(&body.to_bytes()) {
        Ok(body) if body.is_object() => body,
        Ok(_) | Err(_) => return Ok(empty(StatusCode::BAD_REQUEST)),
    };
    let call = RecordedCall { id: register::new_id(), idempotency_key, traceparent, body };
    Ok(match register.record(call) {
        Recorded::New(body) => created(&body),
        Recorded::Replayed(body) => {
            let mut response = created(&body);
            let replayed = hyper::header::HeaderValue::from_static("true");
            response.headers_mut().insert("idempotency-replayed", replayed);
            response
        }
        Recorded::KeyReused => empty(StatusCode::UNPROCESSABLE_ENTITY),
    })
}

fn header(request: &Request<MinRateBody>, name: &str) -> Option<String> {
    let value = request.headers().get(name)?.to_str().ok()?;
    Some(value.to_owned())
}

fn healthy() -> HttpResponse {
    json_response(StatusCode::OK, "application/json", &json!({}))
}

fn created(body: &Value) -> HttpResponse {
    let mut response = json_response(StatusCode::CREATED, "application/json", body);
    let location = format!("{PATH}/{}", body["id"].as_str().unwrap_or_default());
    if let Ok(location) = location.parse() {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

fn empty(status: StatusCode) -> HttpResponse {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
