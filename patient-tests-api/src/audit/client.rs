//! Calls to the register: to `CreateAuditRecord` and `Health`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Request as Call, Response, StatusCode, Url};
use serde::Deserialize;
use shared::backoff;
use shared::http::Request;
use shared::secrets::{LiveSecret, Reading};
use shared::telemetry::metrics;
use shared::{Deadline, Error, HttpClient, Result};
use tracing::{Instrument, Span, field};
use uuid::Uuid;

use super::record::NewAuditRecord;
use crate::ids::AuditRecordId;
use crate::settings::AuditUrls;

/// The longest that one attempt may take.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(5);

/// The largest answer that is read: a record with a thousand identifiers takes some 40 KiB.
const ANSWER_BYTES_MAX: usize = 1 << 20;

const FUNCTIONS_KEY: HeaderName = HeaderName::from_static("x-functions-key");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

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
            self.answer(call, created_record, deadline).await
        };
        let started = Instant::now();
        let outcome = in_span(span("POST auditrecord", &self.urls.records), recorded).await;
        metrics::audit_call(outcome.is_ok(), started.elapsed());
        outcome
    }

    /// Asks the register whether it could add a record.
    ///
    /// # Errors
    /// [`Error::Unavailable`] unless it says so by the deadline.
    pub(super) async fn check(&self, request: &Request, deadline: Deadline) -> Result<()> {
        let asked = async {
            let call = call(Method::GET, &self.urls.health, request)?;
            self.answer(call, healthy, deadline).await
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
        headers.insert(IDEMPOTENCY_KEY, text(&Uuid::now_v7().to_string())?);
        Ok(call)
    }

    /// What `read` makes of the answer to a call. A key that the register's host refuses is read
    /// again, once: it may have been rotated.
    async fn answer<T, F>(
        &self,
        mut call: Call,
        read: impl Fn(Response) -> F,
        deadline: Deadline,
    ) -> Result<T>
    where
        F: Future<Output = Result<T, AttemptError>>,
    {
        let http = self.http.get().await?;
        let key = self.key.get(deadline).await?;
        present(&key, &mut call)?;
        let refusal = match send_until(http, &call, &read, deadline).await {
            Err(error) if error.is_about_the_key() => error,
            outcome => return outcome.map_err(unavailable),
        };
        match self.key.after_refusal(&key, deadline).await? {
            Some(newer) => {
                present(&newer, &mut call)?;
                send_until(http, &call, &read, deadline).await.map_err(unavailable)
            }
            None => Err(unavailable(refusal)),
        }
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
    headers.insert(TRACEPARENT, text(&request.trace.traceparent_of_call())?);
    if let Some(state) = request.trace.state() {
        headers.insert(TRACESTATE, text(state)?);
    }
    Ok(call)
}

impl AttemptError {
    fn is_about_the_key(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::UNAUTHORIZED, .. })
    }
}

fn unavailable(error: AttemptError) -> Error {
    Error::unavailable("The audit register", error)
}

fn present(key: &Reading, call: &mut Call) -> Result<()> {
    let mut key = text(key.value.expose())?;
    key.set_sensitive(true);
    call.headers_mut().insert(FUNCTIONS_KEY, key);
    Ok(())
}

fn text(value: &str) -> Result<HeaderValue> {
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
    let mut attempts = 1;
    let attempt = async || read(send(http, call).await?).await;
    let outcome = repeat(attempt, deadline, &mut attempts).await;
    if attempts > 1 {
        Span::current().record("attempts", attempts);
    }
    outcome
}

async fn repeat<T, F>(
    attempt: impl Fn() -> F,
    deadline: Deadline,
    attempts: &mut u32,
) -> Result<T, AttemptError>
where
    F: Future<Output = Result<T, AttemptError>>,
{
    loop {
        let error = match deadline.at_most(ATTEMPT_TIME_MAX).wait(attempt()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error,
            Err(_) => AttemptError::Silence,
        };
        let attempt = *attempts;
        let pause = match &error {
            AttemptError::Refused { status, retry_after } if may_pass(*status) => {
                backoff::pause(*retry_after, attempt)
            }
            AttemptError::Silence | AttemptError::Unreachable(_) => backoff::pause(None, attempt),
            AttemptError::Refused { .. } | AttemptError::Unreadable => return Err(error),
        };
        if pause >= deadline.remaining() {
            return Err(error);
        }
        tracing::warn!(attempt, pause_ms = pause.as_millis() as u64, "{error}, trying again");
        tokio::time::sleep(pause).await;
        *attempts += 1;
    }
}

async fn send(http: &Client, call: &Call) -> Result<Response, AttemptError> {
    let call = call.try_clone().expect("a body in memory can be sent again");
    let answer = http.execute(call).await.map_err(unreachable)?;
    Span::current().record("http.response.status_code", answer.status().as_u16());
    Ok(answer)
}

async fn created_record(answer: Response) -> Result<AuditRecordId, AttemptError> {
    let body = body(answer, StatusCode::CREATED).await?;
    serde_json::from_slice(&body)
        .map(|CreatedRecord { id }| id)
        .map_err(|_| AttemptError::Unreadable)
}

/// The status says it all; the body is read so that the connection can be used again.
async fn healthy(answer: Response) -> Result<(), AttemptError> {
    body(answer, StatusCode::OK).await.map(|_| ())
}

/// The whole body of an answer that must have this status.
async fn body(mut answer: Response, expected: StatusCode) -> Result<Vec<u8>, AttemptError> {
    let status = answer.status();
    if status != expected {
        let retry_after = retry_after(answer.headers());
        return Err(AttemptError::Refused { status, retry_after });
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
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
fn may_pass(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
        || status.is_server_error()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}
