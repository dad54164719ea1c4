//! One invocation: posted to the handler, and its answer read (`DefaultHttpWorkerService.cs`).

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Response, Uri};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use uuid::Uuid;

use super::envelope::{self, Envelope, Outcome};
use super::function::Function;
use super::handler::HandlerState;
use super::payload;
use super::server::Front;
use crate::trace;

/// The version that this stand-in follows.
pub(super) const HOST_VERSION: &str = "4.1037.0.0";

/// How many redirects .NET's client follows.
const REDIRECTS_MAX: usize = 50;

/// A client that sends no header of its own, and follows nothing by itself.
pub(super) type Client = legacy::Client<HttpConnector, Full<Bytes>>;

/// Makes a client.
pub(super) fn client() -> Client {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    legacy::Client::builder(TokioExecutor::new()).build(connector)
}

/// An answer of the handler, as far as it was read.
struct Answered {
    media_type: Option<HeaderValue>,
    body: Bytes,
}

impl Front {
    /// Runs a function within its time. Waiting for the handler counts against that.
    pub(super) async fn invoke(
        &self,
        function: &Function,
        parts: &Parts,
        payload: Vec<u8>,
    ) -> Outcome {
        let running = async {
            if !self.has_handler().await {
                return Outcome::Failed;
            }
            let id = Uuid::new_v4();
            let envelope = self.post(function, id, parts, payload).await;
            for line in envelope.logs {
                self.console.log(&function.name, id, line);
            }
            match envelope.outcome {
                // A result that is null never completes the invocation.
                Outcome::Never => std::future::pending().await,
                outcome => outcome,
            }
        };
        tokio::time::timeout(self.app.function_timeout, running).await.unwrap_or_else(|_| {
            self.handler.restart();
            Outcome::Failed
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

    async fn post(
        &self,
        function: &Function,
        id: Uuid,
        parts: &Parts,
        payload: Vec<u8>,
    ) -> Envelope {
        let url = format!("{}/{}", self.handler.address(), function.name);
        let headers = self.headers(id, parts);
        match exchange(&self.client, url, headers, Bytes::from(payload)).await {
            Some(Answered { media_type, body }) => {
                let media_type = media_type.as_ref().and_then(|value| value.to_str().ok());
                envelope::read(media_type, &body, &function.output)
            }
            None => Envelope { outcome: Outcome::Failed, logs: Vec::new() },
        }
    }

    fn headers(&self, id: Uuid, parts: &Parts) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8);
        let mut set = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        set("x-azure-functions-hostversion", HOST_VERSION.to_owned());
        set("x-azure-functions-invocationid", id.to_string());
        set("user-agent", format!("Azure-Functions-Host/{HOST_VERSION}"));
        if self.telemetry {
            set("traceparent", trace::child_of(payload::header(parts, "traceparent")));
            if let Some(state) = payload::header(parts, "tracestate") {
                set("tracestate", state.to_owned());
            }
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        // The real host's body has no length either.
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        headers
    }
}

/// Posts, follows redirects as .NET does, and reads a successful answer.
async fn exchange(
    client: &Client,
    url: String,
    mut headers: HeaderMap,
    mut body: Bytes,
) -> Option<Answered> {
    let mut method = Method::POST;
    let mut url: Uri = url.parse().ok()?;
    for _ in 0..=REDIRECTS_MAX {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = method.clone();
        *request.uri_mut() = url.clone();
        *request.headers_mut() = headers.clone();
        let response = client.request(request).await.ok()?;
        let Some(target) = redirect(&response, &url) else {
            return read(response).await;
        };
        url = target;
        if !matches!(response.status().as_u16(), 307 | 308) {
            method = Method::GET;
            body = Bytes::new();
            headers.remove(CONTENT_TYPE);
            headers.remove(TRANSFER_ENCODING);
        }
    }
    None
}

fn redirect(response: &Response<Incoming>, from: &Uri) -> Option<Uri> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let target = reqwest::Url::parse(&from.to_string()).ok()?.join(location).ok()?;
    target.as_str().parse().ok()
}

async fn read(response: Response<Incoming>) -> Option<Answered> {
    let (parts, body) = response.into_parts();
    if !parts.status.is_success() {
        return None;
    }
    let media_type = parts.headers.get(CONTENT_TYPE).cloned();
    Some(Answered { media_type, body: body.collect().await.ok()?.to_bytes() })
}
