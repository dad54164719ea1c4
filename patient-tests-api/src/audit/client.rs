//! Calls of the register's functions.

use std::sync::Arc;
use std::time::Instant;

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue, LINK};
use reqwest::{Method, Request as Call, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::secrets::LiveSecret;
use shared::telemetry::TraceContext;
use shared::telemetry::metrics::DurationRecorder;
use shared::{Deadline, Error, HttpClient, Result, page};
use uuid::Uuid;

use super::record::NewAuditRecord;
use super::recorded::AuditRecord;
use super::search::{AuditRecordSearch, Position};
use super::transport::{AttemptError, body, call, header_value, in_span, response, span};
use crate::ids::AuditRecordId;
use crate::settings::AuditUrls;

/// The largest response with one record; a record with a thousand identifiers has some 40 KiB.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// The largest page of records: the register ends pages after 4 MiB.
const PAGE_BYTES_MAX: usize = 5 << 20;

/// The most records on a page.
const PAGE_RECORDS_MAX: usize = 1_000;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Calls that add a record, including their retries.
static RECORDINGS: DurationRecorder = DurationRecorder::new("audit.duration");

/// A client of the register.
pub(super) struct AuditClient {
    urls: AuditUrls,
    key: Arc<LiveSecret>,
    reading_key: Arc<LiveSecret>,
    http: Arc<HttpClient>,
}

#[derive(Deserialize)]
struct CreatedRecord {
    id: AuditRecordId,
}

/// One page of the records that match a search.
pub(crate) struct FoundPage<R> {
    /// The records, newest first.
    pub(crate) records: Vec<R>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<Position>,
}

impl AuditClient {
    pub(super) fn new(
        urls: AuditUrls,
        key: Arc<LiveSecret>,
        reading_key: Arc<LiveSecret>,
        http: Arc<HttpClient>,
    ) -> Self {
        Self { urls, key, reading_key, http }
    }

    /// Builds the HTTP client ahead of the first call. A failure is harmless: calls try again.
    pub(super) async fn warm_up(&self) {
        let _ = self.http.get().await;
    }

    /// Adds a record and returns its identifier.
    ///
    /// # Errors
    /// [`Error::Unavailable`] unless the register confirms the record by the deadline.
    pub(super) async fn record(
        &self,
        record: &NewAuditRecord<'_>,
        trace: &TraceContext,
        deadline: Deadline,
    ) -> Result<AuditRecordId> {
        // All attempts have the same key.
        self.record_once(&Uuid::now_v7().to_string(), record, trace, deadline).await
    }

    /// Adds a record unless a call with this idempotency key added it before, and returns its
    /// identifier.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub(super) async fn record_once(
        &self,
        idempotency_key: &str,
        record: &impl Serialize,
        trace: &TraceContext,
        deadline: Deadline,
    ) -> Result<AuditRecordId> {
        let recorded = async {
            let mut call = call_with(record, Method::POST, &self.urls.records, trace)?;
            call.headers_mut().insert(IDEMPOTENCY_KEY, header_value(idempotency_key)?);
            response(&self.http, &self.key, call, created_record, deadline).await
        };
        let started = Instant::now();
        let outcome = in_span(span("POST auditrecord", &self.urls.records), recorded).await;
        RECORDINGS.record(outcome.is_ok(), started.elapsed());
        outcome
    }

    /// Asks the register whether it could add a record.
    ///
    /// # Errors
    /// [`Error::Unavailable`] unless it confirms that by the deadline.
    pub(super) async fn check(&self, trace: &TraceContext, deadline: Deadline) -> Result<()> {
        let asked = async {
            let call = call(Method::GET, &self.urls.health, trace)?;
            response(&self.http, &self.key, call, healthy, deadline).await
        };
        in_span(span("GET health", &self.urls.health), asked).await
    }

    /// All records that match, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] unless the register returns them by the deadline.
    pub(super) async fn search(
        &self,
        search: &AuditRecordSearch,
        trace: &TraceContext,
        deadline: Deadline,
    ) -> Result<Vec<AuditRecord>> {
        let mut records = Vec::new();
        let mut after = None;
        loop {
            let query = page::query(after.as_ref(), PAGE_RECORDS_MAX);
            let page = self.search_page(search, &query, trace, deadline).await?;
            records.extend(page.records);
            if page.next.is_none() {
                return Ok(records);
            }
            after = page.next;
        }
    }

    /// One page of the records that match; `query` says which.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub(super) async fn search_page<R: DeserializeOwned>(
        &self,
        search: &AuditRecordSearch,
        query: &str,
        trace: &TraceContext,
        deadline: Deadline,
    ) -> Result<FoundPage<R>> {
        let mut url = self.urls.search.clone();
        url.set_query(Some(query));
        let asked = async {
            let call = call_with(search, Method::POST, &url, trace)?;
            response(&self.http, &self.reading_key, call, found_page, deadline).await
        };
        in_span(span("POST auditrecord/search", &url), asked).await
    }

    /// The record with this identifier, if there is one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] unless the register returns it by the deadline, or says that there is
    /// none.
    pub(super) async fn find<R: DeserializeOwned>(
        &self,
        id: AuditRecordId,
        trace: &TraceContext,
        deadline: Deadline,
    ) -> Result<Option<R>> {
        let url = self.urls.record(id);
        let asked = async {
            let call = call(Method::GET, &url, trace)?;
            response(&self.http, &self.reading_key, call, found_record, deadline).await
        };
        in_span(span("GET auditrecord", &url), asked).await
    }
}

/// A call with a JSON body.
fn call_with(
    body: &impl Serialize,
    method: Method,
    url: &Url,
    trace: &TraceContext,
) -> Result<Call> {
    let body = serde_json::to_vec(body).map_err(|error| Error::Internal(error.into()))?;
    let mut call = call(method, url, trace)?;
    *call.body_mut() = Some(body.into());
    call.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(call)
}

async fn created_record(response: Response) -> Result<AuditRecordId, AttemptError> {
    let body = body(response, StatusCode::CREATED, RECORD_BYTES_MAX).await?;
    parsed(&body).map(|CreatedRecord { id }| id)
}

/// Only the status matters; reading the body lets the connection be reused.
async fn healthy(response: Response) -> Result<(), AttemptError> {
    body(response, StatusCode::OK, RECORD_BYTES_MAX).await.map(|_| ())
}

async fn found_page<R: DeserializeOwned>(response: Response) -> Result<FoundPage<R>, AttemptError> {
    let next = match response.headers().get(LINK) {
        Some(link) => Some(next_page(link).ok_or(AttemptError::Unreadable)?),
        None => None,
    };
    let body = body(response, StatusCode::OK, PAGE_BYTES_MAX).await?;
    Ok(FoundPage { records: parsed(&body)?, next })
}

async fn found_record<R: DeserializeOwned>(response: Response) -> Result<Option<R>, AttemptError> {
    if response.status() == StatusCode::NOT_FOUND {
        // The host's own 404, for a function that is not deployed, has no problem in its body.
        let problem = body(response, StatusCode::NOT_FOUND, RECORD_BYTES_MAX).await?;
        return parsed::<Problem>(&problem).map(|_| None);
    }
    let body = body(response, StatusCode::OK, RECORD_BYTES_MAX).await?;
    parsed(&body).map(Some)
}

#[derive(Deserialize)]
struct Problem {
    #[serde(rename = "traceId")]
    _trace_id: String,
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, AttemptError> {
    serde_json::from_slice(body).map_err(|_| AttemptError::Unreadable)
}

/// Where the next page of `Link` (RFC 8288) begins, as the register writes it.
fn next_page(link: &HeaderValue) -> Option<Position> {
    let query = link.to_str().ok()?.strip_prefix("<?")?.strip_suffix(">; rel=\"next\"")?;
    Position::parse(query.split('&').find_map(|part| part.strip_prefix("cursor="))?)
}
