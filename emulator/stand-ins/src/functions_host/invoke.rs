//! One invocation: posts it to the handler and reads the response (`DefaultHttpWorkerService.cs`).

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, TRANSFER_ENCODING, USER_AGENT,
};
use hyper::{Method, Request, Response, Uri};
use reqwest::Url;
use uuid::Uuid;

use super::app_folder::AppFolder;
use super::connection::{Connection, Pool};
use super::console::Console;
use super::envelope::{Envelope, HandlerResponse};
use super::handler::{Handler, HandlerState};
use crate::app_insights::{Reporter, RequestStart};
use crate::trace::Span;

/// The host version that this stand-in implements.
const HOST_VERSION: &str = "4.1037.0.0";

const USER_AGENT_OF_HOST: &str = "Azure-Functions-Host/4.1037.0.0";

/// The number of redirects that .NET's client follows.
const REDIRECTS_MAX: usize = 50;

/// What invocations need, for all triggers.
pub(super) struct Invoker {
    pub(super) app: Arc<AppFolder>,
    pub(super) handler: Arc<Handler>,
    pub(super) console: Arc<Console>,
    /// Whether invocations carry the host's `traceparent`.
    pub(super) telemetry: bool,
    pub(super) reporter: Option<Reporter>,
    pub(super) connections: Pool,
}

/// An invocation of a function.
pub(super) struct Invocation<'a> {
    pub(super) function: &'a str,
    pub(super) payload: Vec<u8>,
    /// The caller's `traceparent` and `tracestate`.
    pub(super) trace: [Option<&'a str>; 2],
}

/// The outcome of an invocation, and the code and success that telemetry reports.
pub(super) struct Outcome<T> {
    pub(super) result: T,
    pub(super) code: i32,
    pub(super) success: bool,
}

impl Invoker {
    /// Invokes a function and reports it. `interpret` gets the envelope, or `None` if the
    /// invocation failed.
    pub(super) async fn invoke<T>(
        &self,
        invocation: Invocation<'_>,
        interpret: impl FnOnce(Option<Envelope>) -> Outcome<T>,
    ) -> T {
        let start = RequestStart::now();
        let span = Span::child_of(invocation.trace[0]);
        let function = invocation.function;
        let Outcome { result, code, success } =
            interpret(self.run_in_time(invocation, &span).await);
        if let Some(reporter) = &self.reporter {
            let code = u16::try_from(code).unwrap_or(u16::MAX);
            reporter.report(&span, function, &start, code, success);
        }
        result
    }

    /// Runs a function within its timeout, which includes waiting for the handler.
    async fn run_in_time(&self, invocation: Invocation<'_>, span: &Span) -> Option<Envelope> {
        let running = async {
            if !self.handler_is_started().await {
                return None;
            }
            let id = Uuid::new_v4();
            let headers = self.headers(id, invocation.trace[1], span);
            match self.post(invocation.function, headers, invocation.payload).await {
                HandlerResponse::Envelope(mut envelope) => {
                    for line in envelope.logs.drain(..) {
                        self.console.log(invocation.function, id, line);
                    }
                    Some(envelope)
                }
                HandlerResponse::Failed => None,
                // A null result never completes the invocation.
                HandlerResponse::Incomplete => std::future::pending().await,
            }
        };
        tokio::time::timeout(self.app.function_timeout, running).await.unwrap_or_else(|_| {
            self.handler.restart();
            None
        })
    }

    /// Waits for the handler; the host stops itself if it never becomes ready
    /// (`WorkerFunctionInvoker.cs`).
    async fn handler_is_started(&self) -> bool {
        let limit = 4 * self.app.initialization_timeout;
        match tokio::time::timeout(limit, self.handler.settled()).await {
            Ok(state) => state != HandlerState::HostStopped,
            Err(_) => {
                self.console.note("the host stops because its handler does not become ready");
                self.handler.stop_host();
                false
            }
        }
    }

    async fn post(&self, function: &str, headers: HeaderMap, payload: Vec<u8>) -> HandlerResponse {
        match self.exchange(function, headers, Bytes::from(payload)).await {
            Some(response) => {
                let media_type = response.headers().get(CONTENT_TYPE);
                let media_type = media_type.and_then(|value| value.to_str().ok());
                HandlerResponse::read(media_type, response.body())
            }
            None => HandlerResponse::Failed,
        }
    }

    fn headers(&self, id: Uuid, tracestate: Option<&str>, span: &Span) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(16);
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set(HOST, self.handler.authority());
        set(HeaderName::from_static("x-azure-functions-hostversion"), HOST_VERSION);
        set(HeaderName::from_static("x-azure-functions-invocationid"), &id.to_string());
        set(USER_AGENT, USER_AGENT_OF_HOST);
        set(CONTENT_TYPE, "application/json; charset=utf-8");
        // The real host sends no length either.
        set(TRANSFER_ENCODING, "chunked");
        if self.telemetry {
            set(HeaderName::from_static("traceparent"), &span.traceparent());
            if let Some(state) = tracestate {
                set(HeaderName::from_static("tracestate"), state);
            }
        }
        headers
    }

    /// Posts to a function, follows redirects as .NET does, and returns a successful response.
    async fn exchange(
        &self,
        function: &str,
        mut headers: HeaderMap,
        mut body: Bytes,
    ) -> Option<Response<Bytes>> {
        let mut method = Method::POST;
        let mut authority = self.handler.authority().to_owned();
        let mut target: Uri = format!("/{function}").parse().ok()?;
        for _ in 0..=REDIRECTS_MAX {
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = method.clone();
            *request.uri_mut() = target.clone();
            *request.headers_mut() = headers.clone();
            let response = self.send(&authority, request).await?;
            let status = response.status();
            let Some(url) = redirect(&response, &authority, &target) else {
                return status.is_success().then_some(response);
            };
            authority = format!("{}:{}", url.host()?, url.port_u16().unwrap_or(80));
            target = url.path_and_query()?.as_str().parse().ok()?;
            headers.insert(HOST, HeaderValue::from_str(&authority).ok()?);
            if !matches!(status.as_u16(), 307 | 308) {
                method = Method::GET;
                body = Bytes::new();
                headers.remove(CONTENT_TYPE);
                headers.remove(TRANSFER_ENCODING);
            }
        }
        None
    }

    /// Sends a request to the handler, or to another server after a redirect.
    async fn send(
        &self,
        authority: &str,
        request: Request<Full<Bytes>>,
    ) -> Option<Response<Bytes>> {
        if authority == self.handler.authority() {
            return self.connections.exchange(authority, self.handler.process_id(), request).await;
        }
        Connection::open(authority).await.ok()?.exchange(request).await.ok()
    }
}

fn redirect(response: &Response<Bytes>, authority: &str, target: &Uri) -> Option<Uri> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let url = Url::parse(&format!("http://{authority}{target}")).ok()?.join(location).ok()?;
    url.as_str().parse().ok()
}
