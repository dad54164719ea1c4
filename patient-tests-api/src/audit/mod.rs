//! The audit register: nothing leaves and nothing is written without its record.
//!
//! Types hold this. A function returns [`Audited`], which only this module makes:
//! [`AuditRegister::release`] once the register has confirmed who gets what was read, and
//! [`AuditRegister::write`] around a change: it announces the change, carries it out once the
//! register has confirmed that, and records it if it failed. A store writes only with the
//! [`Intent`] that `write` hands out. A register that cannot be reached stops both.

mod audited;
mod client;
mod record;

use std::future::{Future, ready};
use std::sync::Arc;

use shared::http::Request;
use shared::secrets::LiveSecret;
use shared::{Deadline, HttpClient, Result};
use tokio::join;

use client::AuditClient;
use record::{NewAuditRecord, Outcome};

use crate::ids::AuditRecordId;
use crate::settings::AuditUrls;

pub(crate) use audited::{Audited, Disclosure, Intent, Written};
pub(crate) use record::{Operation, Resource};

/// The register, as the functions see it.
pub(crate) struct AuditRegister {
    client: AuditClient,
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
    /// [`Error::Unavailable`](shared::Error::Unavailable) unless it says so itself.
    pub(crate) async fn check(&self, request: &Request, deadline: Deadline) -> Result<()> {
        self.client.check(request, deadline).await
    }

    /// Releases what was read, once the register knows who gets what; what was not found or must
    /// not be seen is recorded as well.
    ///
    /// # Errors
    /// Those of `found`, and [`Error::Unavailable`](shared::Error::Unavailable) unless the register
    /// confirmed.
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
        let found = found.map(|Disclosure { ids, response }| {
            resource.disclose(ids);
            Audited { response }
        });
        let record = NewAuditRecord::new(&resource, outcome, request);
        if outcome == Outcome::Failed {
            // Nothing is disclosed, and the answer is the failure that came first.
            self.try_record(&record, request).await;
        } else {
            self.client.record(&record, request, request.deadline).await?;
        }
        found
    }

    /// Announces a change, carries it out once the register has confirmed, and records it if it
    /// failed.
    ///
    /// # Errors
    /// [`Error::Unavailable`](shared::Error::Unavailable) unless the register confirmed: then
    /// `change` was not called. Those of `change`.
    pub(crate) async fn write(
        &self,
        request: &Request,
        resource: Resource,
        change: impl AsyncFnOnce(&Intent) -> Result<Written>,
    ) -> Result<Audited> {
        let change = async |intent: &Intent, ()| change(intent).await;
        self.write_after(request, resource, ready(()), change).await
    }

    /// The same for a change that needs to know what is stored, which is read while the register
    /// is asked.
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
            Ok(Written { response, replayed }) => {
                if let Some(record_id) = replayed {
                    self.release_replay(request, resource, id, record_id).await?;
                }
                Ok(Audited { response })
            }
            Err(error) => {
                let outcome = Outcome::of_failed_write(&error);
                let record = NewAuditRecord::new(&resource, outcome, request).concluding(id);
                self.try_record(&record, request).await;
                Err(error)
            }
        }
    }

    /// Without the register's confirmation the change must not happen.
    async fn announce(&self, request: &Request, resource: &Resource) -> Result<AuditRecordId> {
        let record = NewAuditRecord::new(resource, Outcome::Intended, request);
        self.client.record(&record, request, request.deadline).await
    }

    /// Releases the record that an earlier request created: nothing new was written that could
    /// name this intent.
    async fn release_replay(
        &self,
        request: &Request,
        mut resource: Resource,
        intent: AuditRecordId,
        record_id: String,
    ) -> Result<()> {
        resource.disclose(vec![record_id]);
        let record = NewAuditRecord::new(&resource, Outcome::Succeeded, request).concluding(intent);
        self.client.record(&record, request, request.deadline).await.map(|_| ())
    }

    /// Records a failure as far as that is possible: in the time that is reserved for it.
    async fn try_record(&self, record: &NewAuditRecord<'_>, request: &Request) {
        if let Err(error) = self.client.record(record, request, request.reporting_deadline()).await
        {
            tracing::warn!(
                problem = error.kind_name(),
                "the end of an interaction went unrecorded"
            );
        }
    }
}
