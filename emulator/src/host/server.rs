//! The host's front: what it decides before and after the handler is asked, in its order
//! (`WebJobsApplicationBuilderExtension.cs`, `FunctionInvocationMiddleware.cs`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::answer::{self, Answer, Outcome};
use super::app_folder::{AppFolder, AuthLevel, Function};
use super::console::Console;
use super::handler::{Handler, HandlerState};
use super::keys::{KeyRing, anonymous_identity};
use super::payload;
use super::route::RouteValues;

/// The version that this stand-in follows.
const HOST_VERSION: &str = "4.1037.0.0";

/// The largest body (`FUNCTIONS_REQUEST_BODY_SIZE_LIMIT`); over it the invocation fails.
const BODY_BYTES_MAX: usize = 104_857_600;

/// What the client adds to the function's own time.
const CLIENT_OVERTIME: Duration = Duration::from_secs(60);

/// Everything that a request needs.
pub(super) struct Front {
    pub(super) app: Arc<AppFolder>,
    pub(super) handler: Arc<Handler>,
    pub(super) console: Arc<Console>,
    pub(super) keys: KeyRing,
    pub(super) telemetry: bool,
    pub(super) client: reqwest::Client,
    pub(super) outstanding: AtomicUsize,
}

/// Ends the connection in place of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection breaks, as it does behind the real host")]
struct Broken;

/// Takes connections until dropped, which ends them as well.
pub(super) async fn serve(listener: TcpListener, front: Arc<Front>) {
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(talk(connection, Arc::clone(&front)));
    }
}

async fn talk(connection: TcpStream, front: Arc<Front>) {
    let _ = connection.set_nodelay(true);
    let service = service_fn(|request| {
        let front = Arc::clone(&front);
        // A caller who disconnects does not end the handler's work (row 35 of the contract).
        let answering = tokio::spawn(async move { front.handle(request).await });
        async move { answering.await.unwrap_or(Err(Broken)) }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
}

impl Front {
    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
        let (parts, body) = request.into_parts();
        if self.handler.state() == HandlerState::HostStopped {
            return Ok(unavailable());
        }
        let path = parts.uri.path();
        if path.starts_with("/admin/") {
            return Ok(self.admin(&parts));
        }
        let outstanding = self.outstanding.fetch_add(1, Ordering::Relaxed);
        let answer = if self.app.outstanding_max.is_some_and(|max| outstanding >= max) {
            let mut answer = respond(Answer::empty(StatusCode::TOO_MANY_REQUESTS));
            answer
                .headers_mut()
                .insert("X-FUNCTION-SCALEOUT", hyper::header::HeaderValue::from_static("1"));
            Ok(answer)
        } else {
            self.route(parts, body).await
        };
        self.outstanding.fetch_sub(1, Ordering::Relaxed);
        answer
    }

    async fn route(&self, parts: Parts, body: Incoming) -> Result<Response<Full<Bytes>>, Broken> {
        if parts.uri.path() == "/" {
            let mut home =
                Answer::text("<html><body>Your Functions app is up and running.</body></html>");
            home.headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("text/html"));
            return Ok(respond(home));
        }
        let Some((function, values)) = self.function_for(&parts) else {
            return Ok(respond(Answer::empty(StatusCode::NOT_FOUND)));
        };
        let Some(identity) = self.identity(&parts, function) else {
            return Ok(respond(Answer::empty(StatusCode::UNAUTHORIZED)));
        };
        let announced =
            payload::header(&parts, CONTENT_LENGTH.as_str()).and_then(|text| text.parse().ok());
        if announced.is_some_and(|length: usize| length > BODY_BYTES_MAX) {
            return Ok(failed());
        }
        let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
            return Ok(failed());
        };
        let payload = payload::write(function, &parts, &body.to_bytes(), &values, identity);
        match self.invoke(function, &parts, payload).await {
            Outcome::Answer(answer) => Ok(respond(answer)),
            Outcome::Broken => Err(Broken),
            Outcome::Failed | Outcome::Never => Ok(failed()),
        }
    }

    /// The first function in alphabetical order that takes path and method.
    fn function_for(&self, parts: &Parts) -> Option<(&Function, RouteValues)> {
        self.app.functions.iter().find_map(|function| {
            let takes = function
                .methods
                .as_ref()
                .is_none_or(|methods| methods.iter().any(|method| method == parts.method.as_str()));
            takes
                .then(|| function.template.match_path(parts.uri.path()))?
                .map(|values| (function, values))
        })
    }

    /// Who calls, if that is enough for the function. The header wins even when it is wrong.
    fn identity(&self, parts: &Parts, function: &Function) -> Option<Value> {
        let grant = presented_key(parts).and_then(|key| self.keys.grant(&key, &function.name));
        match grant {
            Some(grant) if grant.opens(function.auth_level) => Some(grant.identity()),
            Some(_) | None if function.auth_level == AuthLevel::Anonymous => {
                Some(anonymous_identity())
            }
            Some(_) | None => None,
        }
    }

    async fn invoke(&self, function: &Function, parts: &Parts, payload: Vec<u8>) -> Outcome {
        // Waiting for the handler counts against the function's time.
        let invocation = self.post(function, parts, payload);
        match tokio::time::timeout(self.app.function_timeout, invocation).await {
            Ok(Outcome::Never) | Err(_) => {
                if self.handler.state() == HandlerState::Ready {
                    self.handler.kill();
                }
                Outcome::Failed
            }
            Ok(outcome) => outcome,
        }
    }

    async fn post(&self, function: &Function, parts: &Parts, payload: Vec<u8>) -> Outcome {
        if self.handler.settled().await == HandlerState::HostStopped {
            return Outcome::Failed;
        }
        let url = format!("{}/{}", self.handler.address(), function.name);
        // One chunk, so that the body has no length: as from the real host.
        let chunk = Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from(payload)));
        let body = reqwest::Body::wrap(StreamBody::new(futures_util::stream::iter([chunk])));
        let mut call = self
            .client
            .post(url)
            .timeout(self.app.function_timeout + CLIENT_OVERTIME)
            .header("X-Azure-Functions-HostVersion", HOST_VERSION)
            .header("X-Azure-Functions-InvocationId", Uuid::new_v4().to_string())
            .header("User-Agent", format!("Azure-Functions-Host/{HOST_VERSION}"))
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .body(body);
        if self.telemetry {
            call = call.header(
                "traceparent",
                crate::trace::child_of(payload::header(parts, "traceparent")),
            );
            if let Some(state) = payload::header(parts, "tracestate") {
                call = call.header("tracestate", state);
            }
        }
        let Ok(answer) = call.send().await else {
            return Outcome::Failed;
        };
        if !answer.status().is_success() {
            return Outcome::Failed;
        }
        let media_type = answer
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let Ok(body) = answer.bytes().await else {
            return Outcome::Failed;
        };
        let envelope = answer::read(media_type.as_deref(), &body, &function.output);
        for line in envelope.logs {
            self.console.log(&function.name, line);
        }
        if envelope.outcome == Outcome::Never {
            tokio::time::sleep(self.app.function_timeout).await;
        }
        envelope.outcome
    }

    /// A few of the administration endpoints (`HostController.cs`, `KeysController.cs`).
    fn admin(&self, parts: &Parts) -> Response<Full<Bytes>> {
        let is_admin = presented_key(parts).is_some_and(|key| self.keys.is_master(&key));
        match (parts.uri.path(), is_admin) {
            ("/admin/host/ping", _) => respond(Answer::empty(StatusCode::OK)),
            ("/admin/host/status", true) => json_answer(
                &json!({ "id": "emulator", "state": "Running", "version": HOST_VERSION }),
            ),
            ("/admin/host/keys" | "/admin/host/functionkeys", true) => {
                let keys = self.keys.get().host;
                let keys: Vec<_> = keys
                    .into_iter()
                    .map(|(name, value)| json!({ "name": name, "value": value }))
                    .collect();
                json_answer(&json!({ "keys": keys, "links": [] }))
            }
            (_, false) => respond(Answer::empty(StatusCode::UNAUTHORIZED)),
            (_, true) => respond(Answer::empty(StatusCode::NOT_FOUND)),
        }
    }
}

fn presented_key(parts: &Parts) -> Option<String> {
    if let Some(header) = parts.headers.get("x-functions-key") {
        return Some(String::from_utf8_lossy(header.as_bytes()).into_owned());
    }
    payload::query_pairs(parts.uri.query()?)
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("code"))
        .map(|(_, value)| value)
}

fn respond(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response.headers_mut().insert("Server", hyper::header::HeaderValue::from_static("Kestrel"));
    response
}

fn json_answer(body: &Value) -> Response<Full<Bytes>> {
    let mut answer = Answer::empty(StatusCode::OK);
    answer.body = Bytes::from(body.to_string());
    answer.headers.insert(
        CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("application/json; charset=utf-8"),
    );
    respond(answer)
}

fn failed() -> Response<Full<Bytes>> {
    respond(Answer::empty(StatusCode::INTERNAL_SERVER_ERROR))
}

fn unavailable() -> Response<Full<Bytes>> {
    respond(Answer {
        status: StatusCode::SERVICE_UNAVAILABLE,
        ..Answer::text("Function host is not running.")
    })
}
