//! Calls to `CreateAuditRecord`.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use shared::backoff::full_jitter;
use shared::http::Request;
use shared::{Deadline, Error, Result};
use tracing::Instrument;
use uuid::Uuid;

use super::AuditRecordId;
use super::record::NewAuditRecord;
use crate::settings::AuditSettings;

/// The longest that one attempt may take.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(5);

/// How long a connection may take to come about.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);

/// Attempts at one record; each repeats the same idempotency key.
const ATTEMPTS_MAX: u32 = 8;

/// How long an unused connection is kept; hosts close theirs after two minutes.
const IDLE_TIME_MAX: Duration = Duration::from_secs(90);

/// The largest answer that is read: a record with a thousand identifiers takes some 40 KiB.
const ANSWER_BYTES_MAX: usize = 1 << 20;

const FUNCTIONS_KEY: HeaderName = HeaderName::from_static("x-functions-key");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Sends records to the register.
pub(super) struct AuditClient {
    http: Client,
    settings: AuditSettings,
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
enum AttemptError {
    #[error("the register answered {status}")]
    Refused { status: StatusCode, retry_after: Option<Duration> },
    #[error("the register did not answer in time")]
    Silence,
    #[error("the register's answer is not an audit record")]
    NoRecord,
    #[error("the register could not be reached")]
    Unreachable(#[source] reqwest::Error),
}

#[derive(Deserialize)]
struct CreatedRecord {
    id: AuditRecordId,
}

impl AuditClient {
    pub(super) fn new(settings: AuditSettings) -> Result<Self, reqwest::Error> {
        // One TLS implementation for the database driver and for us. That it was set before is no
        // failure.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .connect_timeout(CONNECT_TIME_MAX)
            .pool_idle_timeout(IDLE_TIME_MAX)
            .redirect(Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, settings })
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
        let body = serde_json::to_vec(record).map_err(|error| Error::Internal(error.into()))?;
        let headers = self.headers(request)?;
        let span = tracing::info_span!("audit");
        self.send_until(&body, &headers, deadline)
            .instrument(span)
            .await
            .map_err(|error| Error::unavailable("The audit register", error))
    }

    async fn send_until(
        &self,
        body: &[u8],
        headers: &HeaderMap,
        deadline: Deadline,
    ) -> Result<AuditRecordId, AttemptError> {
        let mut attempt = 1;
        loop {
            let attempt_end = deadline.at_most(ATTEMPT_TIME_MAX);
            let error = match attempt_end.wait(self.send(body.to_vec(), headers.clone())).await {
                Ok(Ok(id)) => return Ok(id),
                Ok(Err(error)) => error,
                Err(_) => AttemptError::Silence,
            };
            let pause = match &error {
                AttemptError::Refused { status, retry_after } if may_pass(*status) => {
                    retry_after.unwrap_or_else(|| full_jitter(attempt))
                }
                AttemptError::Silence | AttemptError::Unreachable(_) => full_jitter(attempt),
                AttemptError::Refused { .. } | AttemptError::NoRecord => return Err(error),
            };
            if attempt == ATTEMPTS_MAX || pause >= deadline.remaining() {
                return Err(error);
            }
            tracing::warn!(attempt, pause_ms = pause.as_millis() as u64, "{error}, trying again");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn send(&self, body: Vec<u8>, headers: HeaderMap) -> Result<AuditRecordId, AttemptError> {
        let call = self.http.post(self.settings.url.clone()).headers(headers).body(body);
        // The URL may hold a key, and errors end up in logs.
        let unreachable = |error: reqwest::Error| AttemptError::Unreachable(error.without_url());
        let mut answer = call.send().await.map_err(unreachable)?;
        let status = answer.status();
        if status != StatusCode::CREATED {
            return Err(AttemptError::Refused {
                status,
                retry_after: retry_after(answer.headers()),
            });
        }
        let mut json = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            json.extend_from_slice(&chunk);
            if json.len() > ANSWER_BYTES_MAX {
                return Err(AttemptError::NoRecord);
            }
        }
        serde_json::from_slice(&json)
            .map(|CreatedRecord { id }| id)
            .map_err(|_| AttemptError::NoRecord)
    }

    fn headers(&self, request: &Request) -> Result<HeaderMap> {
        let text = |value: &str| {
            HeaderValue::from_str(value).map_err(|error| Error::Internal(error.into()))
        };
        let mut key = text(self.settings.key.expose())?;
        key.set_sensitive(true);
        let mut headers = HeaderMap::with_capacity(5);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(FUNCTIONS_KEY, key);
        headers.insert(IDEMPOTENCY_KEY, text(&Uuid::now_v7().to_string())?);
        headers.insert(TRACEPARENT, text(&request.trace.traceparent_of_call())?);
        if let Some(state) = request.trace.state() {
            headers.insert(TRACESTATE, text(state)?);
        }
        Ok(headers)
    }
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
