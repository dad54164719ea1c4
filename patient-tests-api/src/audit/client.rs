//! Calls to the register: to `CreateAuditRecord` and `Health`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Request as Call, Response, StatusCode, Url};
use serde::Deserialize;
use shared::http::Request;
use shared::secrets::{LiveSecret, SecretVersion};
use shared::telemetry::metrics::CallTimer;
use shared::{Deadline, Error, HttpClient, Result, backoff, retry};
use tracing::{Instrument, Span, field};
use uuid::Uuid;

use super::record::NewAuditRecord;
use crate::ids::AuditRecordId;
use crate::settings::AuditUrls;

/// The largest response that is read: a record with a thousand identifiers takes some 40 KiB.
const RESPONSE_BYTES_MAX: usize = 1 << 20;

const FUNCTIONS_KEY: HeaderName = HeaderName::from_static("x-functions-key");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

static RECORDINGS: CallTimer = CallTimer::new("audit.duration");

/// Calls the register.
pub(super) struct AuditClient {
    urls: AuditUrls,
    key: Arc<LiveSecret>,
    http: Arc<HttpClient>,
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
enum AttemptError {
    #[error("the register answered {status}")]
    Refused { status: StatusCode, retry_after: Option<Duration> },
    #[error("the register did not answer in time")]
    Silence,
    #[error("the register's answer cannot be read")]
    Unreadable,
    #[error("the register could not be reached")]
    Unreachable(#[source] reqwest::Error),
}

#[derive(Deserialize)]
struct CreatedRecord {
    id: AuditRecordId,
}

impl AuditClient {
    pub(super) fn new(urls: AuditUrls, key: Arc<LiveSecret>, http: Arc<HttpClient>) -> Self {
        Self { urls, key, http }
    }

    /// Sets the HTTP client up ahead of the first call. Failure costs nothing: calls try again.
    pub(super) async fn warm_up(&self) {
        let _ = self.http.get().await;
    }

    /// Adds a record and returns its identifier.
    ///
    /// # Errors
    /// [`Error::Unavailable`] unless the register confirmed the record within the deadline.
    pub(super) async fn record(
        &self,
        record: &NewAuditRecord<'_>,
        request: &Request,
        deadline: Deadline,
    ) -> Result<AuditRecordId> {
        let recorded = async {
            let call = self.creation(record, request)?;
            self.response(call, created_record, deadline).await
        };
        let started = Instant::now();
        let outcome = in_span(span("POST auditrecord", &self.urls.records), recorded).await;
        RECORDINGS.record(outcome.is_ok(), started.elapsed());
        outcome
    }

    /// Asks the register whether it could add a record.
    ///
    /// # Errors
    /// [`Error::Unavailable`] unless it says so by the deadline.
    pub(super) async fn check(&self, request: &Request, deadline: Deadline) -> Result<()> {
        let asked = async {
            let call = call(Method::GET, &self.urls.health, request)?;
            self.response(call, healthy, deadline).await
        };
        in_span(span("GET health", &self.urls.health), asked).await
    }

    /// The call that adds a record; each attempt repeats it with the same idempotency key.
    fn creation(&self, record: &NewAuditRecord<'_>, request: &Request) -> Result<Call> {
        let body = serde_json::to_vec(record).map_err(|error| Error::Internal(error.into()))?;
        let mut call = call(Method::POST, &self.urls.records, request)?;
        *call.body_mut() = Some(body.into());
        let headers = call.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(IDEMPOTENCY_KEY, header_value(&Uuid::now_v7().to_string())?);
        Ok(call)
    }

    /// What `read` makes of the response to a call. A key that the register's host refuses is read
    /// again: it may have been rotated.
    async fn response<T, F>(
        &self,
        call: Call,
        read: impl Fn(Response) -> F,
        deadline: Deadline,
    ) -> Result<T>
    where
        F: Future<Output = Result<T, AttemptError>>,
    {
        let http = self.http.get().await?;
        let (call, read) = (&call, &read);
        let attempt = |key: SecretVersion| async move {
            send_until(http, &with_key(call, &key), read, deadline).await
        };
        let outcome = self.key.with(deadline, attempt, AttemptError::is_about_the_key).await?;
        outcome.map_err(|error| Error::unavailable("The audit register", error))
    }
}

/// The names are those of OpenTelemetry's conventions for HTTP.
fn span(name: &'static str, url: &Url) -> Span {
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

async fn in_span<T>(span: Span, call: impl Future<Output = Result<T>>) -> Result<T> {
    let outcome = call.instrument(span.clone()).await;
    span.record("otel.status_code", if outcome.is_ok() { "OK" } else { "ERROR" });
    outcome
}

/// A call without a key, in the trace of the request.
fn call(method: Method, url: &Url, request: &Request) -> Result<Call> {
    let mut call = Call::new(method, url.clone());
    let headers = call.headers_mut();
    headers.reserve(5);
    headers.insert(TRACEPARENT, header_value(&request.trace.traceparent_of_call())?);
    if let Some(state) = request.trace.state() {
        headers.insert(TRACESTATE, header_value(&state)?);
    }
    Ok(call)
}

impl AttemptError {
    fn is_about_the_key(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::UNAUTHORIZED, .. })
    }
}

/// The call once more, with this key.
fn with_key(call: &Call, key: &SecretVersion) -> Call {
    let mut call = call.try_clone().expect("a body in memory can be sent again");
    let mut key = HeaderValue::from_str(key.value.expose())
        .expect("the setting's check admits only what a header can carry");
    key.set_sensitive(true);
    call.headers_mut().insert(FUNCTIONS_KEY, key);
    call
}

fn header_value(value: &str) -> Result<HeaderValue> {
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

async fn created_record(response: Response) -> Result<AuditRecordId, AttemptError> {
    let body = body(response, StatusCode::CREATED).await?;
    serde_json::from_slice(&body)
        .map(|CreatedRecord { id }| id)
        .map_err(|_| AttemptError::Unreadable)
}

/// The status says it all; the body is read so that the connection can be used again.
async fn healthy(response: Response) -> Result<(), AttemptError> {
    body(response, StatusCode::OK).await.map(|_| ())
}

/// The whole body of a response that must have this status.
async fn body(mut response: Response, expected: StatusCode) -> Result<Vec<u8>, AttemptError> {
    let status = response.status();
    if status != expected {
        let retry_after = retry_after(response.headers());
        return Err(AttemptError::Refused { status, retry_after });
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&chunk);
        if body.len() > RESPONSE_BYTES_MAX {
            return Err(AttemptError::Unreadable);
        }
    }
    Ok(body)
}

/// The URL may hold a key, and errors end up in logs.
fn unreachable(error: reqwest::Error) -> AttemptError {
    AttemptError::Unreachable(error.without_url())
}

/// Whether another attempt can end better: the register is busy or broken for the moment.
fn is_transient(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
        || status.is_server_error()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}
