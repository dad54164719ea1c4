//! One invocation: posted to the handler, and its answer read (`DefaultHttpWorkerService.cs`).

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
use super::envelope::{Envelope, Reply};
use super::handler::{Handler, HandlerState};
use crate::app_insights::{Reporter, RequestStart};
use crate::trace::Span;

/// The version that this stand-in follows.
const HOST_VERSION: &str = "4.1037.0.0";

const USER_AGENT_OF_HOST: &str = "Azure-Functions-Host/4.1037.0.0";

/// How many redirects .NET's client follows.
const REDIRECTS_MAX: usize = 50;

/// What invocations need, whatever triggers them.
pub(super) struct Invoker {
    pub(super) app: Arc<AppFolder>,
    pub(super) handler: Arc<Handler>,
    pub(super) console: Arc<Console>,
    /// Whether invocations carry a `traceparent` of the host's own.
    pub(super) telemetry: bool,
    pub(super) reporter: Option<Reporter>,
    pub(super) connections: Pool,
}

/// One call of a function.
pub(super) struct Invocation<'a> {
    pub(super) function: &'a str,
    pub(super) payload: Vec<u8>,
    /// `traceparent` and `tracestate` of the caller.
    pub(super) trace: [Option<&'a str>; 2],
}

/// What an invocation has led to, and what is reported of that.
pub(super) struct Concluded<T> {
    pub(super) result: T,
    pub(super) code: i32,
    pub(super) success: bool,
}

impl Invoker {
    /// Invokes a function and reports it. `conclude` gets the envelope, or nothing if the
    /// invocation failed.
    pub(super) async fn invoke<T>(
        &self,
        invocation: Invocation<'_>,
        conclude: impl FnOnce(Option<Envelope>) -> Concluded<T>,
    ) -> T {
        let begun = RequestStart::now();
        let span = Span::child_of(invocation.trace[0]);
        let function = invocation.function;
        let Concluded { result, code, success } =
            conclude(self.run_in_time(invocation, &span).await);
        if let Some(reporter) = &self.reporter {
            let code = u16::try_from(code).unwrap_or(u16::MAX);
            reporter.report(&span, function, &begun, code, success);
        }
        result
    }

    /// Runs a function within its time. Waiting for the handler counts against that.
    async fn run_in_time(&self, invocation: Invocation<'_>, span: &Span) -> Option<Envelope> {
        let running = async {
            if !self.has_handler().await {
                return None;
            }
            let id = Uuid::new_v4();
            let headers = self.headers(id, invocation.trace[1], span);
            match self.post(invocation.function, headers, invocation.payload).await {
                Reply::Envelope(mut envelope) => {
                    for line in envelope.logs.drain(..) {
                        self.console.log(invocation.function, id, line);
                    }
                    Some(envelope)
                }
                Reply::Failed => None,
                // A result that is null never completes the invocation.
                Reply::Never => std::future::pending().await,
            }
        };
        tokio::time::timeout(self.app.function_timeout, running).await.unwrap_or_else(|_| {
            self.handler.restart();
            None
        })
    }

    /// Waits for the handler; one that never becomes ready makes the host stop itself
    /// (`WorkerFunctionInvoker.cs`).
    async fn has_handler(&self) -> bool {
        let patience = 4 * self.app.initialization_timeout;
        match tokio::time::timeout(patience, self.handler.settled()).await {
            Ok(state) => state != HandlerState::HostStopped,
            Err(_) => {
                self.console.note("the host stops, since its handler does not become ready");
                self.handler.stop_host();
                false
            }
        }
    }

    async fn post(&self, function: &str, headers: HeaderMap, payload: Vec<u8>) -> Reply {
        match self.exchange(function, headers, Bytes::from(payload)).await {
            Some(response) => {
                let media_type = response.headers().get(CONTENT_TYPE);
                let media_type = media_type.and_then(|value| value.to_str().ok());
                Reply::read(media_type, response.body())
            }
            None => Reply::Failed,
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
        // The real host's body has no length either.
        set(TRANSFER_ENCODING, "chunked");
        if self.telemetry {
            set(HeaderName::from_static("traceparent"), &span.traceparent());
            if let Some(state) = tracestate {
                set(HeaderName::from_static("tracestate"), state);
            }
        }
        headers
    }

    /// Posts to a function, follows redirects as .NET does, and reads a successful answer.
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

    /// Sends a request to the handler, or to wherever it points.
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
