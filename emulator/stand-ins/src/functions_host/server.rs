//! Routes requests: everything that the host does before and after the handler, in its order
//! (`WebJobsApplicationBuilderExtension.cs`, `FunctionInvocationMiddleware.cs`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::app_folder::AppFolder;
use super::envelope::Envelope;
use super::function::Function;
use super::invoke::{Invocation, Invoker, Outcome};
use super::kestrel::{Application, Body, BodyError, Request, Response};
use super::keys::{Caller, KeyRing};
use super::payload;
use super::query;
use super::route::RouteValues;
use super::timer::Timers;

/// The largest body that is serialised in place; a larger one would delay other requests.
const BODY_BYTES_AT_ONCE: usize = 32 << 10;

/// How many larger bodies are serialised at the same time: the other processors remain free.
const LARGE_BODIES_AT_ONCE: usize = 1;

/// Serves the requests to a host.
pub(super) struct Router {
    app: Arc<AppFolder>,
    pub(super) keys: KeyRing,
    invoker: Arc<Invoker>,
    pub(super) timers: Timers,
    outstanding: AtomicUsize,
    /// Limits the running requests; the others wait.
    running: Option<Semaphore>,
    /// Limits the large bodies that are serialised at the same time.
    large_bodies: Semaphore,
}

impl Application for Router {
    async fn respond(
        &self,
        mut request: Request,
        body: &mut Body<'_>,
    ) -> Result<Response, BodyError> {
        if let Some(host) = request.headers.get("DISGUISED-HOST").map(str::to_owned) {
            // Azure's front end sends the original `Host` in this header.
            request.headers.set("Host", &host);
        }
        if request.path.starts_with("/admin/") {
            return Ok(self.with_custom_headers(self.admin(&request)));
        }
        let outstanding = self.outstanding.fetch_add(1, Ordering::Relaxed);
        let is_too_many = self.app.outstanding_max.is_some_and(|max| outstanding >= max);
        let response =
            if is_too_many { Ok(too_many()) } else { self.serve_throttled(&request, body).await };
        self.outstanding.fetch_sub(1, Ordering::Relaxed);
        response
    }
}

impl Router {
    pub(super) fn new(invoker: Arc<Invoker>, keys: KeyRing, timers: Timers) -> Self {
        let app = Arc::clone(&invoker.app);
        let running = app.concurrent_max.map(Semaphore::new);
        let (outstanding, large_bodies) =
            (AtomicUsize::new(0), Semaphore::new(LARGE_BODIES_AT_ONCE));
        Self { app, keys, invoker, timers, outstanding, running, large_bodies }
    }

    async fn serve_throttled(
        &self,
        request: &Request,
        body: &mut Body<'_>,
    ) -> Result<Response, BodyError> {
        let _turn = match &self.running {
            Some(running) => running.acquire().await.ok(),
            None => None,
        };
        Ok(self.with_custom_headers(self.route(request, body).await?))
    }

    async fn route(&self, request: &Request, body: &mut Body<'_>) -> Result<Response, BodyError> {
        if request.path == "/" {
            return Ok(self.home_page());
        }
        let Some((function, values)) = self.function_for(request) else {
            return Ok(Response::empty(404));
        };
        let presented = presented_key(request);
        let caller = self.keys.caller(presented.as_deref(), Some(&function.name));
        if !caller.may_invoke(function.auth_level) {
            return Ok(Response::empty(401));
        }
        if function.disabled && !caller.is_admin() {
            return Ok(Response::empty(404));
        }
        self.run(function, values, caller, request, body).await
    }

    async fn run(
        &self,
        function: &Arc<Function>,
        values: RouteValues,
        caller: Caller,
        request: &Request,
        body: &mut Body<'_>,
    ) -> Result<Response, BodyError> {
        if body.length().is_some_and(|length| length > self.app.body_bytes_max) {
            return Ok(Response::empty(500));
        }
        let body = body.read().await?;
        let Some(payload) = self.payload(function, request, body, values, caller).await else {
            return Ok(Response::empty(500));
        };
        let headers = &request.headers;
        let trace = ["traceparent", "tracestate"].map(|name| headers.get(name));
        let invocation = Invocation { function: &function.name, payload, trace };
        let accept_charset = headers.lines("Accept-Charset");
        let interpret = |envelope: Option<Envelope>| {
            let response =
                envelope.and_then(|it| it.into_response(&function.output, accept_charset));
            // Any response of the handler counts as a success.
            let success = response.is_some();
            let result = response.unwrap_or_else(|| Response::empty(500));
            Outcome { code: result.status, result, success }
        };
        Ok(self.invoker.invoke(invocation, interpret).await)
    }

    async fn payload(
        &self,
        function: &Arc<Function>,
        request: &Request,
        body: Bytes,
        values: RouteValues,
        caller: Caller,
    ) -> Option<Vec<u8>> {
        if body.len() <= BODY_BYTES_AT_ONCE {
            return Some(payload::write(function, request, &body, &values, &caller));
        }
        let _turn = self.large_bodies.acquire().await.ok();
        let (function, request) = (Arc::clone(function), request.clone());
        let write = move || payload::write(&function, &request, &body, &values, &caller);
        tokio::task::spawn_blocking(write).await.ok()
    }

    /// The first function, in alphabetical order, that matches path and method.
    fn function_for(&self, request: &Request) -> Option<(&Arc<Function>, RouteValues)> {
        let functions = self.app.functions.http.iter();
        functions
            .filter(|function| function.accepts(&request.method))
            .find_map(|function| Some((function, function.template.match_path(&request.path)?)))
    }

    fn home_page(&self) -> Response {
        if !self.app.has_home_page {
            return Response::empty(204);
        }
        let headers = vec![("Content-Type".to_owned(), "text/html".to_owned())];
        let page = "<html><body>Your Functions app is up and running.</body></html>";
        Response { headers, body: Bytes::from_static(page.as_bytes()), ..Response::empty(200) }
    }

    /// Adds the app's custom headers, unless the response has them.
    fn with_custom_headers(&self, mut response: Response) -> Response {
        for (name, value) in &self.app.custom_headers {
            if response.header(name).is_none() {
                response.headers.push((name.clone(), value.clone()));
            }
        }
        response
    }
}

/// The key of a request; the header takes precedence over the query, even when it is wrong.
pub(super) fn presented_key(request: &Request) -> Option<String> {
    if let Some(key) = request.headers.get("x-functions-key") {
        return Some(key.to_owned());
    }
    query::pairs(request.query.as_deref()?)
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("code"))
        .map(|(_, value)| value)
}

/// The response to a throttled caller, without custom headers.
fn too_many() -> Response {
    let headers = vec![("X-FUNCTION-SCALEOUT".to_owned(), "1".to_owned())];
    Response { headers, ..Response::empty(429) }
}
