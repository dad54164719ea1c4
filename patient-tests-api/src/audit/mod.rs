//! The audit register: no data is returned or written without an audit record.
//!
//! Types enforce this. A function returns [`Audited`], which only this module makes.
//! [`AuditRegister::release`] makes one once the register has confirmed the record of a read.
//! [`AuditRegister::write`] announces a change, carries it out once the register has confirmed, and
//! records a failure. A store writes only with the [`Intent`] that `write` provides. While the
//! register is unreachable, nothing is returned or written.

mod audited;
mod client;
mod reader;
mod record;
pub(crate) mod recorded;
mod search;
mod transport;

use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;

use shared::http::Request;
use shared::secrets::LiveSecret;
use shared::{Deadline, Error, HttpClient, Result};
use tokio::join;

use client::AuditClient;
use record::NewAuditRecord;

use crate::ids::AuditRecordId;
use crate::settings::AuditUrls;

pub(crate) use audited::{Audited, Disclosure, Intent, Written};
pub(crate) use client::FoundPage;
pub(crate) use reader::End;
pub(crate) use record::{
    ACCESS_LOG, AUDIT_RECORD, Operation, Outcome, PATIENT, RECONCILER, Resource, TEST,
};
pub(crate) use recorded::{AuditRecord, Subject};
pub(crate) use search::{AuditRecordSearch, CursorMark, Position};

/// How long a caller without a scope waits for the record of the refusal.
const REFUSAL_TIME_MAX: Duration = Duration::from_secs(5);

/// The register, as functions use it.
pub(crate) struct AuditRegister {
    client: AuditClient,
}

impl AuditRegister {
    /// A client of the register with these URLs, and the function keys for writing and reading.
    pub(crate) fn new(
        urls: AuditUrls,
        key: Arc<LiveSecret>,
        reading_key: Arc<LiveSecret>,
        http: Arc<HttpClient>,
    ) -> Self {
        Self { client: AuditClient::new(urls, key, reading_key, http) }
    }

    /// Prepares for calls ahead of the first request.
    pub(crate) async fn warm_up(&self) {
        self.client.warm_up().await;
    }

    /// Proves that the register is reachable, accepts our key and can add records.
    ///
    /// # Errors
    /// [`Error::Unavailable`](shared::Error::Unavailable) unless the register reports that.
    pub(crate) async fn check(&self, request: &Request, deadline: Deadline) -> Result<()> {
        self.client.check(&request.trace, deadline).await
    }

    /// Releases the result of a read once the register has confirmed its record. A read that found
    /// nothing or was refused is recorded too.
    ///
    /// # Errors
    /// Those of `found`, and [`Error::Unavailable`](shared::Error::Unavailable) unless the register
    /// confirms.
    pub(crate) async fn release(
        &self,
        request: &Request,
        mut resource: Resource,
        found: Result<Disclosure>,
    ) -> Result<Audited> {
        let outcome = match &found {
            Ok(_) => Outcome::Succeeded,
            Err(error) => Outcome::of_error(error),
        };
        let found = found.map(|Disclosure { ids, version, response }| {
            resource.disclose(ids, version);
            Audited { response }
        });
        let record = NewAuditRecord::new(&resource, outcome, request);
        if outcome == Outcome::Failed {
            // Nothing is disclosed, and the caller gets the first failure.
            self.try_record(&record, request, request.reporting_deadline()).await;
        } else {
            self.client.record(&record, &request.trace, request.deadline).await?;
        }
        found
    }

    /// Refuses a request of a caller without the scope, and records that if possible.
    pub(crate) async fn refuse(&self, request: &Request, resource: Resource) -> Error {
        let resource = resource.in_path_of(request);
        let record = NewAuditRecord::new(&resource, Outcome::Refused, request);
        self.try_record(&record, request, request.deadline.at_most(REFUSAL_TIME_MAX)).await;
        Error::Forbidden
    }

    /// Announces a change, carries it out once the register has confirmed, and records it if it
    /// failed.
    ///
    /// # Errors
    /// [`Error::Unavailable`](shared::Error::Unavailable) unless the register confirms; `change` is
    /// not called then. Those of `change`.
    pub(crate) async fn write(
        &self,
        request: &Request,
        resource: Resource,
        change: impl AsyncFnOnce(&Intent) -> Result<Written>,
    ) -> Result<Audited> {
        let change = async |intent: &Intent, ()| change(intent).await;
        self.write_after(request, resource, ready(()), change).await
    }

    /// Like [`Self::write`], for a change that needs the stored record: it is read while the
    /// register is called.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub(crate) async fn write_after<T>(
        &self,
        request: &Request,
        resource: Resource,
        reading: impl Future<Output = T>,
        change: impl AsyncFnOnce(&Intent, T) -> Result<Written>,
    ) -> Result<Audited> {
        let (announced, read) = join!(self.announce(request, &resource), reading);
        let id = announced?;
        match change(&Intent { id }, read).await {
            Ok(Written { response, unchanged }) => {
                if let Some(ids) = unchanged {
                    self.conclude_unchanged(request, resource, id, ids).await?;
                }
                Ok(Audited { response })
            }
            Err(error) => {
                let outcome = Outcome::of_failed_write(&error);
                let record = NewAuditRecord::new(&resource, outcome, request).concluding(id);
                self.try_record(&record, request, request.reporting_deadline()).await;
                Err(error)
            }
        }
    }

    /// Without the register's confirmation the change must not be made.
    async fn announce(&self, request: &Request, resource: &Resource) -> Result<AuditRecordId> {
        let record = NewAuditRecord::new(resource, Outcome::Intended, request);
        self.client.record(&record, &request.trace, request.deadline).await
    }

    /// Records the end of a request that changed nothing, and what it discloses: no version names
    /// the intent.
    async fn conclude_unchanged(
        &self,
        request: &Request,
        mut resource: Resource,
        intent: AuditRecordId,
        disclosed: Vec<String>,
    ) -> Result<()> {
        resource.disclose(disclosed, None);
        let record = NewAuditRecord::new(&resource, Outcome::Succeeded, request).concluding(intent);
        self.client.record(&record, &request.trace, request.deadline).await.map(|_| ())
    }

    /// Records a failure if possible until the deadline.
    async fn try_record(&self, record: &NewAuditRecord<'_>, request: &Request, deadline: Deadline) {
        if let Err(error) = self.client.record(record, &request.trace, deadline).await {
            tracing::warn!(
                problem = error.kind_name(),
                "the end of an interaction went unrecorded"
            );
        }
    }
}
