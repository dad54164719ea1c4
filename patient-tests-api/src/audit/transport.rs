//! Calls over HTTP, each retried within its deadline.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Request as Call, Response, StatusCode, Url};
use shared::secrets::{LiveSecret, SecretVersion};
use shared::telemetry::TraceContext;
use shared::{Deadline, Error, HttpClient, Result, backoff, retry};
use tracing::{Instrument, Span, field};

const FUNCTIONS_KEY: HeaderName = HeaderName::from_static("x-functions-key");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    #[error("the register answered {status}")]
    Refused { status: StatusCode, retry_after: Option<Duration> },
    #[error("the register did not answer in time")]
    Silence,
    #[error("the register's response cannot be read")]
    Unreadable,
    #[error("the register could not be reached")]
    Unreachable(#[source] reqwest::Error),
}

/// Makes a call with this key and parses the response with `read`. If the register's host refuses
/// the key, the key is read again, since it may have been rotated.
pub(super) async fn response<T, F>(
    http: &HttpClient,
    key: &LiveSecret,
    call: Call,
    read: impl Fn(Response) -> F,
    deadline: Deadline,
) -> Result<T>
where
    F: Future<Output = Result<T, AttemptError>>,
{
    let http = http.get().await?;
    let (call, read) = (&call, &read);
    let attempt = |key: SecretVersion| async move {
        send_until(http, &with_key(call, &key), read, deadline).await
    };
    let outcome = key.with(deadline, attempt, AttemptError::is_about_the_key).await?;
    outcome.map_err(|error| Error::unavailable("The audit register", error))
}

/// OpenTelemetry's semantic conventions for HTTP define these names.
pub(super) fn span(name: &'static str, url: &Url) -> Span {
    tracing::info_span!(
        "audit",
        otel.name = name,
        otel.kind = "client",
        otel.status_code = field::Empty,
        http.response.status_code = field::Empty,
        server.address = url.host_str(),
        server.port = url.port_or_known_default(),
        attempts = field::Empty,
    )
}

pub(super) async fn in_span<T>(span: Span, call: impl Future<Output = Result<T>>) -> Result<T> {
    let outcome = call.instrument(span.clone()).await;
    span.record("otel.status_code", if outcome.is_ok() { "OK" } else { "ERROR" });
    outcome
}

/// A call without a key, in this trace.
pub(super) fn call(method: Method, url: &Url, trace: &TraceContext) -> Result<Call> {
    let mut call = Call::new(method, url.clone());
    let headers = call.headers_mut();
    headers.reserve(5);
    headers.insert(TRACEPARENT, header_value(&trace.traceparent_of_call())?);
    if let Some(state) = trace.state() {
        headers.insert(TRACESTATE, header_value(&state)?);
    }
    Ok(call)
}

impl AttemptError {
    fn is_about_the_key(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::UNAUTHORIZED, .. })
    }
}

/// A copy of the call with this key.
fn with_key(call: &Call, key: &SecretVersion) -> Call {
    let mut call = call.try_clone().expect("a body in memory can be sent again");
    let mut key = HeaderValue::from_str(key.value.expose())
        .expect("the setting's check allows only valid header values");
    key.set_sensitive(true);
    call.headers_mut().insert(FUNCTIONS_KEY, key);
    call
}

pub(super) fn header_value(value: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(value).map_err(|error| Error::Internal(error.into()))
}

async fn send_until<T, F>(
    http: &Client,
    call: &Call,
    read: impl Fn(Response) -> F,
    deadline: Deadline,
) -> Result<T, AttemptError>
where
    F: Future<Output = Result<T, AttemptError>>,
{
    let attempt = async || read(send(http, call).await?).await;
    let note = |error: &AttemptError, attempt: u32, pause: Duration| {
        tracing::warn!(attempt, pause_ms = pause.as_millis() as u64, "{error}, trying again");
    };
    let (outcome, _) = retry::until(deadline, attempt, note).await;
    outcome
}

impl retry::Failure for AttemptError {
    fn silence() -> Self {
        Self::Silence
    }

    fn pause_after(&self, attempts_made: u32) -> Option<Duration> {
        match self {
            Self::Refused { status, retry_after } if is_transient(*status) => {
                Some(backoff::pause(*retry_after, attempts_made))
            }
            Self::Silence | Self::Unreachable(_) => Some(backoff::pause(None, attempts_made)),
            Self::Refused { .. } | Self::Unreadable => None,
        }
    }
}

async fn send(http: &Client, call: &Call) -> Result<Response, AttemptError> {
    let call = call.try_clone().expect("a body in memory can be sent again");
    let response = http.execute(call).await.map_err(unreachable)?;
    Span::current().record("http.response.status_code", response.status().as_u16());
    Ok(response)
}

/// The whole body of a response, which must have this status and at most `bytes_max` bytes.
pub(super) async fn body(
    mut response: Response,
    expected: StatusCode,
    bytes_max: usize,
) -> Result<Vec<u8>, AttemptError> {
    let status = response.status();
    if status != expected {
        let retry_after = retry_after(response.headers());
        return Err(AttemptError::Refused { status, retry_after });
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&chunk);
        if body.len() > bytes_max {
            return Err(AttemptError::Unreadable);
        }
    }
    Ok(body)
}

/// Removes the URL, which may contain a key, since errors are logged.
fn unreachable(error: reqwest::Error) -> AttemptError {
    AttemptError::Unreachable(error.without_url())
}

/// Whether a retry can succeed: the register is temporarily busy or broken.
fn is_transient(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
        || status.is_server_error()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}
