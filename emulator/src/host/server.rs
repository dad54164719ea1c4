//! The host's front: what it decides before and after the handler is asked, in its order
//! (`WebJobsApplicationBuilderExtension.cs`, `FunctionInvocationMiddleware.cs`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue, SERVER};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::answer::Answer;
use super::app_folder::AppFolder;
use super::connection::Pool;
use super::console::Console;
use super::envelope::Outcome;
use super::function::Function;
use super::handler::{Handler, HandlerState};
use super::keys::{Caller, KeyRing};
use super::outliving::Outliving;
use super::payload;
use super::query;
use super::route::RouteValues;
use crate::accept::accept;
use crate::app_insights::Reporter;
use crate::talk::{TimedBody, talk};

/// What is read and written in a moment; with a larger body others would have to wait for that.
const BODY_BYTES_AT_ONCE: usize = 32 << 10;

/// How many larger bodies are written at the same time: the other processors are for everybody else.
pub(super) const LARGE_BODIES_AT_ONCE: usize = 1;

/// Everything that a request needs.
pub(super) struct Front {
    pub(super) app: Arc<AppFolder>,
    pub(super) handler: Arc<Handler>,
    pub(super) console: Arc<Console>,
    pub(super) keys: KeyRing,
    pub(super) telemetry: bool,
    pub(super) reporter: Option<Reporter>,
    pub(super) connections: Pool,
    pub(super) outstanding: AtomicUsize,
    /// As many as may run at the same time; the rest wait.
    pub(super) running: Option<Semaphore>,
    /// As many large bodies as may be written at the same time.
    pub(super) large_bodies: Semaphore,
}

/// Ends the connection in place of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection breaks, as it does behind the real host")]
struct Broken;

/// Takes connections until dropped, which ends them as well.
pub(super) async fn serve(listener: TcpListener, front: Arc<Front>) {
    accept(listener, |connection, _| answer(connection, Arc::clone(&front))).await;
}

async fn answer(connection: TcpStream, front: Arc<Front>) {
    let _ = connection.set_nodelay(true);
    let handle = |request| {
        let front = Arc::clone(&front);
        // A caller who disconnects does not end the handler's work (row 35 of the contract).
        Outliving::new(async move { front.handle(request).await })
    };
    talk(connection, handle).await;
}

impl Front {
    async fn handle(&self, request: Request<TimedBody>) -> Result<Response<Full<Bytes>>, Broken> {
        let (parts, body) = request.into_parts();
        if self.handler.state() == HandlerState::HostStopped {
            let answer = Answer::plain("Function host is not running.");
            return Ok(respond(Answer { status: StatusCode::SERVICE_UNAVAILABLE, ..answer }));
        }
        if parts.uri.path().starts_with("/admin/") {
            return Ok(self.respond(self.admin(&parts)));
        }
        let outstanding = self.outstanding.fetch_add(1, Ordering::Relaxed);
        let outcome = if self.app.outstanding_max.is_some_and(|max| outstanding >= max) {
            None
        } else {
            Some(self.throttled(&parts, body).await)
        };
        self.outstanding.fetch_sub(1, Ordering::Relaxed);
        match outcome {
            None => Ok(respond(too_many())),
            Some(Outcome::Answer(answer)) => Ok(self.respond(answer)),
            Some(Outcome::Broken) => Err(Broken),
            Some(Outcome::Failed | Outcome::Never) => {
                Ok(self.respond(Answer::empty(StatusCode::INTERNAL_SERVER_ERROR)))
            }
        }
    }

    async fn throttled(&self, parts: &Parts, body: TimedBody) -> Outcome {
        let _turn = match &self.running {
            Some(running) => running.acquire().await.ok(),
            None => None,
        };
        self.route(parts, body).await
    }

    async fn route(&self, parts: &Parts, body: TimedBody) -> Outcome {
        if parts.uri.path() == "/" {
            return Outcome::Answer(self.home_page());
        }
        let Some((function, values)) = self.function_for(parts) else {
            return Outcome::Answer(Answer::empty(StatusCode::NOT_FOUND));
        };
        let caller = self.keys.caller(presented_key(parts).as_deref());
        if !caller.opens(function.auth_level) {
            return Outcome::Answer(Answer::empty(StatusCode::UNAUTHORIZED));
        }
        if function.disabled && !caller.is_admin() {
            return Outcome::Answer(Answer::empty(StatusCode::NOT_FOUND));
        }
        self.run(function, values, caller, parts, body).await
    }

    async fn run(
        &self,
        function: &Arc<Function>,
        values: RouteValues,
        caller: Caller,
        parts: &Parts,
        body: TimedBody,
    ) -> Outcome {
        let announced =
            payload::header(parts, CONTENT_LENGTH.as_str()).and_then(|text| text.parse().ok());
        if announced.is_some_and(|length: usize| length > self.app.body_bytes_max) {
            return Outcome::Failed;
        }
        let Ok(body) = Limited::new(body, self.app.body_bytes_max).collect().await else {
            return Outcome::Failed;
        };
        let body = body.to_bytes();
        let payload = if body.len() <= BODY_BYTES_AT_ONCE {
            Ok(payload::write(function, parts, &body, &values, &caller))
        } else {
            let _turn = self.large_bodies.acquire().await.ok();
            let (function, parts) = (Arc::clone(function), parts.clone());
            let write = move || payload::write(&function, &parts, &body, &values, &caller);
            tokio::task::spawn_blocking(write).await
        };
        match payload {
            Ok(payload) => self.invoke(function, parts, payload).await,
            Err(_) => Outcome::Failed,
        }
    }

    /// The first function in alphabetical order that takes path and method.
    fn function_for(&self, parts: &Parts) -> Option<(&Arc<Function>, RouteValues)> {
        self.app
            .functions
            .iter()
            .filter(|function| function.takes(parts.method.as_str()))
            .find_map(|function| Some((function, function.template.match_path(parts.uri.path())?)))
    }

    fn home_page(&self) -> Answer {
        if self.app.has_home_page {
            Answer::of_type(
                HeaderValue::from_static("text/html"),
                "<html><body>Your Functions app is up and running.</body></html>",
            )
        } else {
            Answer::empty(StatusCode::NO_CONTENT)
        }
    }

    /// Adds the app's custom headers, unless the answer has them.
    fn respond(&self, mut answer: Answer) -> Response<Full<Bytes>> {
        for (name, value) in &self.app.custom_headers {
            answer.headers.entry(name).or_insert_with(|| value.clone());
        }
        respond(answer)
    }
}

/// The key with which a request comes; the header wins even when it is wrong.
pub(super) fn presented_key(parts: &Parts) -> Option<String> {
    if let Some(header) = parts.headers.get("x-functions-key") {
        return Some(String::from_utf8_lossy(header.as_bytes()).into_owned());
    }
    query::pairs(parts.uri.query()?)
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("code"))
        .map(|(_, value)| value)
}

/// What a throttled caller gets, without custom headers.
fn too_many() -> Answer {
    let mut answer = Answer::empty(StatusCode::TOO_MANY_REQUESTS);
    let name = HeaderName::from_static("x-function-scaleout");
    answer.headers.insert(name, HeaderValue::from_static("1"));
    answer
}

fn respond(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response.headers_mut().insert(SERVER, HeaderValue::from_static("Kestrel"));
    response
}
