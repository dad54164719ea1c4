//! From a caller's request to the backend's, and back.

use std::net::IpAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use reqwest::RequestBuilder;

use super::host_key::CachedHostKey;
use super::refusal::{Answer, problem, unauthorized};
use super::{GatewayOptions, Subscription, headers, target};
use crate::api_docs::{self, ApiDocs};
use crate::app_insights::{self, Begun, Reporter};
use crate::talk::TimedBody;
use crate::trace::Span;

/// The largest body that is forwarded; the apps themselves draw the line at half of it.
const BODY_BYTES_MAX: usize = 2 << 20;

/// A cache would hand out a patient without a key and without a record.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Everything that a request needs.
pub(super) struct Front {
    pub(super) options: GatewayOptions,
    pub(super) host_key: CachedHostKey,
    pub(super) client: reqwest::Client,
    pub(super) reporter: Option<Reporter>,
    pub(super) docs: Option<ApiDocs>,
}

impl Front {
    /// Answers a request; no cache may keep any answer, whoever it comes from.
    pub(super) async fn handle(&self, request: Request<TimedBody>, peer: IpAddr) -> Answer {
        let (parts, body) = request.into_parts();
        let mut answer = match self.page(&parts) {
            Some(page) => page,
            None => self.api(&parts, body, peer).await,
        };
        answer.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        answer
    }

    async fn api(&self, parts: &Parts, body: TimedBody, peer: IpAddr) -> Answer {
        if !target::is_patient_path(parts.uri.path()) {
            return problem(StatusCode::NOT_FOUND, "not-found", "There is no such operation");
        }
        let begun = Begun::now();
        let parent = parts.headers.get("traceparent").and_then(|value| value.to_str().ok());
        let span = Span::child_of(parent);
        let answer = self.serve(parts, body, peer, &span).await;
        if let Some(reporter) = &self.reporter {
            let (name, status) = (target::operation(parts), answer.status());
            reporter.report(&span, &name, &begun, status.as_u16(), status.as_u16() < 400);
        }
        answer
    }

    async fn serve(&self, parts: &Parts, body: TimedBody, peer: IpAddr, span: &Span) -> Answer {
        let Some(subscription) = self.subscription(parts) else {
            return unauthorized();
        };
        match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(body) => {
                self.forward(parts, body.to_bytes(), self.headers(parts, subscription, peer, span))
                    .await
            }
            Err(error) if error.is::<LengthLimitError>() => {
                problem(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large")
            }
            Err(_) => problem(StatusCode::BAD_REQUEST, "invalid-request", "The body broke off"),
        }
    }

    /// A part of a page of ours, if that is what was asked for. It needs no key, since it has
    /// nothing about patients and nobody beyond this machine gets here.
    fn page(&self, parts: &Parts) -> Option<Answer> {
        let is_at = |page: &str| {
            let below = parts.uri.path().strip_prefix(page);
            below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
        };
        match (&self.options.telemetry, &self.docs) {
            (Some(telemetry), _) if is_at(app_insights::PATH) => Some(telemetry.answer(parts)),
            (_, Some(docs)) if is_at(api_docs::PATH) => Some(docs.answer(parts)),
            _ => None,
        }
    }

    /// Whose key it is.
    fn subscription(&self, parts: &Parts) -> Option<&Subscription> {
        let presented = match parts.headers.get(headers::SUBSCRIPTION_KEY) {
            Some(key) => String::from_utf8_lossy(key.as_bytes()).into_owned(),
            None => target::subscription_key(parts.uri.query()?)?,
        };
        self.options.subscriptions.iter().find(|subscription| subscription.key == presented)
    }

    async fn forward(&self, parts: &Parts, body: Bytes, headers: HeaderMap) -> Answer {
        let url = format!("{}/api{}", self.options.patient_host_url, target::forwarded(&parts.uri));
        let mut call = self.client.request(parts.method.clone(), url).headers(headers);
        // The host drops a body without a length, so a body always has one here.
        if !body.is_empty() || matches!(parts.method, Method::POST | Method::PUT) {
            call = call.body(body);
        }
        match self.call(call).await {
            Some(answer) => host_refusal(answer),
            None => unavailable(),
        }
    }

    /// Calls the host; if it refuses the key, once more with the key of now. It refuses before the
    /// function runs, so nothing happens twice.
    async fn call(&self, call: RequestBuilder) -> Option<Answer> {
        let key = self.host_key.get().await.ok()?;
        let answer = send(call.try_clone()?, &key).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Some(answer);
        }
        let key = self.host_key.after_refusal(&key).await.ok()?;
        send(call, &key).await
    }

    /// The caller's headers without what only the gateway may say, and what it says.
    fn headers(
        &self,
        parts: &Parts,
        subscription: &Subscription,
        peer: IpAddr,
        span: &Span,
    ) -> HeaderMap {
        let mut headers = headers::callers_own(&parts.headers);
        for (name, value) in [
            ("x-caller-subscription", subscription.id.as_str()),
            ("x-caller-address", &peer.to_string()),
            ("traceparent", &span.traceparent()),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        headers
    }
}

async fn send(call: RequestBuilder, key: &HeaderValue) -> Option<Answer> {
    let answer = call.header("x-functions-key", key.clone()).send().await.ok()?;
    let (status, headers) = (answer.status(), headers::end_to_end(answer.headers()));
    let mut response = Response::new(Full::new(answer.bytes().await.ok()?));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Some(response)
}

/// What the host itself refuses becomes a problem: its 429 is empty, and its 503 is no JSON. The
/// app's own have `Retry-After`.
fn host_refusal(answer: Answer) -> Answer {
    match answer.status() {
        _ if answer.headers().contains_key(RETRY_AFTER) => answer,
        StatusCode::TOO_MANY_REQUESTS => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            try_again(problem(status, "throttled", "Too many requests"), "1")
        }
        StatusCode::SERVICE_UNAVAILABLE => unavailable(),
        _ => answer,
    }
}

fn unavailable() -> Answer {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    try_again(problem(status, "unavailable", "The API cannot be reached"), "5")
}

fn try_again(mut answer: Answer, after_s: &'static str) -> Answer {
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(after_s));
    answer
}
