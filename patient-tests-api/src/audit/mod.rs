//! The audit register: nothing leaves and nothing is written without its record.
//!
//! A write is *announced* and waits until the register has confirmed it; what becomes of a write
//! that did not happen is *concluded*. What was read is *released* only after the register has
//! confirmed who gets what. A register that cannot be reached stops both.

mod client;
mod record;

use std::sync::Arc;

use shared::http::{Request, Response};
use shared::page::Page;
use shared::secrets::LiveSecret;
use shared::{Deadline, Error, HttpClient, Id, Result};

use client::AuditClient;
use record::{Actor, NewAuditRecord, Outcome};

use crate::ids::AuditRecordId;
use crate::settings::AuditUrls;

pub(crate) use record::{Operation, Resource};

/// The register, as the functions see it.
pub(crate) struct AuditRegister {
    client: AuditClient,
}

/// A write that the register knows of and that may now happen.
pub(crate) struct Intent<'a> {
    register: &'a AuditRegister,
    request: &'a Request,
    resource: Resource,
    id: AuditRecordId,
}

/// A response that waits for its release, and the identifiers of the records in it.
pub(crate) struct Disclosure {
    ids: Vec<String>,
    response: Response,
}

impl Disclosure {
    /// A response that hands out these records.
    pub(crate) fn of<T>(ids: impl IntoIterator<Item = Id<T>>, response: Response) -> Self {
        Self { ids: ids.into_iter().map(|id| id.to_string()).collect(), response }
    }

    /// A response that hands out a page.
    pub(crate) fn page<T>(page: Page<T>) -> Self {
        let ids = page.ids().iter().map(Id::to_string).collect();
        Self { ids, response: page.into_response() }
    }

    /// A response that hands out nothing.
    pub(crate) fn nothing(response: Response) -> Self {
        Self { ids: Vec::new(), response }
    }
}

impl AuditRegister {
    /// The register whose functions have these URLs and take this function key.
    pub(crate) fn new(urls: AuditUrls, key: Arc<LiveSecret>, http: Arc<HttpClient>) -> Self {
        Self { client: AuditClient::new(urls, key, http) }
    }

    /// Prepares for calls ahead of the first request.
    pub(crate) async fn warm_up(&self) {
        self.client.warm_up().await;
    }

    /// Proves that the register is there, takes our key and could add records.
    ///
    /// # Errors
    /// [`Error::Unavailable`] unless it says so itself.
    pub(crate) async fn check(&self, request: &Request, deadline: Deadline) -> Result<()> {
        self.client.check(request, deadline).await
    }

    /// Announces a write.
    ///
    /// # Errors
    /// [`Error::Unavailable`] unless the register confirmed it: then it must not happen.
    pub(crate) async fn announce<'a>(
        &'a self,
        request: &'a Request,
        resource: Resource,
    ) -> Result<Intent<'a>> {
        let record = NewAuditRecord::new(&resource, Outcome::Intended, request);
        let id = self.client.record(&record, request, request.deadline).await?;
        Ok(Intent { register: self, request, resource, id })
    }

    /// Releases what was read, once the register knows who gets what; what was not found or must
    /// not be seen is recorded as well.
    ///
    /// # Errors
    /// Those of `found`, and [`Error::Unavailable`] unless the register confirmed.
    pub(crate) async fn release(
        &self,
        request: &Request,
        mut resource: Resource,
        found: Result<Disclosure>,
    ) -> Result<Response> {
        let outcome = match &found {
            Ok(_) => Outcome::Succeeded,
            Err(error) => Outcome::of_error(error),
        };
        let found = found.map(|Disclosure { ids, response }| {
            resource.disclose(ids);
            response
        });
        let record = NewAuditRecord::new(&resource, outcome, request);
        if outcome == Outcome::Failed {
            // Nothing is disclosed, and the answer is the failure that came first.
            self.try_record(&record, request, request.closing_deadline()).await;
        } else {
            self.client.record(&record, request, request.deadline).await?;
        }
        found
    }

    /// Records what happened as far as that is possible.
    async fn try_record(&self, record: &NewAuditRecord<'_>, request: &Request, deadline: Deadline) {
        if let Err(error) = self.client.record(record, request, deadline).await {
            tracing::warn!(
                problem = error.kind_name(),
                "the end of an interaction went unrecorded"
            );
        }
    }
}

impl Intent<'_> {
    /// The record that the written version must name.
    pub(crate) fn id(&self) -> AuditRecordId {
        self.id
    }

    /// Passes the result of the write on; if it failed, tells the register as far as possible.
    ///
    /// # Errors
    /// Those of `written`.
    pub(crate) async fn conclude<T>(&self, written: Result<T>) -> Result<T> {
        if let Err(error) = &written {
            let outcome = match Outcome::of_error(error) {
                // The write was refused because there is nothing to write to.
                Outcome::NotFound => Outcome::Refused,
                outcome => outcome,
            };
            let record = self.related(&self.resource, outcome);
            self.register.try_record(&record, self.request, self.request.closing_deadline()).await;
        }
        written
    }

    /// Releases the record that an earlier request created, since nothing new was written that
    /// could name this intent.
    ///
    /// # Errors
    /// [`Error::Unavailable`] unless the register confirmed.
    pub(crate) async fn release_replay<T>(&self, id: Id<T>) -> Result<()> {
        let mut resource = self.resource.clone();
        resource.disclose(vec![id.to_string()]);
        let record = self.related(&resource, Outcome::Succeeded);
        let deadline = self.request.deadline;
        self.register.client.record(&record, self.request, deadline).await.map(|_| ())
    }

    fn related<'r>(&self, resource: &'r Resource, outcome: Outcome) -> NewAuditRecord<'r> {
        NewAuditRecord {
            relates_to: Some(self.id),
            ..NewAuditRecord::new(resource, outcome, self.request)
        }
    }
}

impl Outcome {
    fn of_error(error: &Error) -> Self {
        match error {
            Error::NotFound => Self::NotFound,
            Error::Deleted
            | Error::VersionMismatch { .. }
            | Error::Changing
            | Error::IdempotencyKeyReused => Self::Refused,
            Error::InvalidBody(_)
            | Error::InvalidRequest(_)
            | Error::InvalidQuery(_)
            | Error::InvalidJson { .. }
            | Error::UnknownFunction
            | Error::TooLarge
            | Error::UnsupportedMediaType(_)
            | Error::Throttled { .. }
            | Error::Unavailable { .. }
            | Error::Unhealthy
            | Error::Internal(_) => Self::Failed,
        }
    }
}

impl<'a> NewAuditRecord<'a> {
    fn new(resource: &'a Resource, outcome: Outcome, request: &Request) -> Self {
        Self {
            source_system_name: "PatientTestsApi",
            resource,
            outcome,
            relates_to: None,
            actor: Actor::from(request.caller()),
            trace_id: request.trace.trace_id(),
        }
    }
}
