//! Reading the register: for callers, and for reconciliation.

use std::ops::Range;

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::custom_handler::TimerRun;
use shared::http::Request;
use shared::telemetry::TraceContext;
use shared::{Deadline, Result, Timestamp};

use super::AuditRegister;
use super::client::FoundPage;
use super::record::{Actor, Outcome, SOURCE_SYSTEM};
use super::recorded::{AuditRecord, RecordedResource};
use super::search::AuditRecordSearch;
use crate::ids::AuditRecordId;

/// How an announced change ended, as far as the register knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// There is no record of its end: a version names the announcement, or the app was interrupted.
    None,
    /// The database did not confirm it.
    Unknown,
    /// It succeeded, failed or was refused.
    Known,
}

/// The record of an end that reconciliation found out. It is the same whenever it is found out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Conclusion<'a> {
    source_system_name: &'static str,
    resource: &'a RecordedResource,
    outcome: Outcome,
    relates_to: AuditRecordId,
    actor: Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
}

impl AuditRegister {
    /// One page of the records that match, for a request; `query` says which page.
    ///
    /// # Errors
    /// [`Error::Unavailable`](shared::Error::Unavailable), as of every method here.
    pub(crate) async fn search<R: DeserializeOwned>(
        &self,
        search: &AuditRecordSearch,
        query: &str,
        request: &Request,
    ) -> Result<FoundPage<R>> {
        self.client.search_page(search, query, &request.trace, request.deadline).await
    }

    /// The record with this identifier.
    pub(crate) async fn find<R: DeserializeOwned>(
        &self,
        id: AuditRecordId,
        trace: &TraceContext,
        deadline: Deadline,
    ) -> Result<Option<R>> {
        self.client.find(id, trace, deadline).await
    }

    /// The changes that were announced in a period.
    pub(crate) async fn announced_in(
        &self,
        period: &Range<Timestamp>,
        run: &TimerRun,
    ) -> Result<Vec<AuditRecord>> {
        let mut records = self.records_in(period, Outcome::Intended, run).await?;
        records.retain(|record| record.announcement().is_some());
        Ok(records)
    }

    /// The announcements of the changes that the database had not confirmed in a period.
    pub(crate) async fn unconfirmed_in(
        &self,
        period: &Range<Timestamp>,
        run: &TimerRun,
    ) -> Result<Vec<AuditRecordId>> {
        let records = self.records_in(period, Outcome::Unknown, run).await?;
        let ours = records.iter().filter(|record| record.source_system_name == SOURCE_SYSTEM);
        Ok(ours.filter_map(|record| record.relates_to).collect())
    }

    /// How an announced change ended.
    pub(crate) async fn end_of(&self, intent: AuditRecordId, run: &TimerRun) -> Result<End> {
        let search = AuditRecordSearch { relates_to: Some(intent), ..AuditRecordSearch::default() };
        let ends = self.client.search(&search, &run.trace, run.deadline).await?;
        Ok(match ends.as_slice() {
            [] => End::None,
            ends if ends.iter().all(|end| end.outcome == Some(Outcome::Unknown)) => End::Unknown,
            _ => End::Known,
        })
    }

    /// Records whether an announced change happened. Repeating it adds nothing.
    pub(crate) async fn conclude(
        &self,
        intent: &AuditRecord,
        has_happened: bool,
        run: &TimerRun,
    ) -> Result<()> {
        let (outcome, word) = match has_happened {
            true => (Outcome::Succeeded, "succeeded"),
            false => (Outcome::Failed, "failed"),
        };
        let conclusion = Conclusion {
            source_system_name: SOURCE_SYSTEM,
            resource: &intent.resource,
            outcome,
            relates_to: intent.id,
            actor: Actor::reconciler(),
            trace_id: intent.trace_id.as_deref(),
        };
        let key = format!("reconciliation-{}-{word}", intent.id);
        self.client.record_once(&key, &conclusion, &run.trace, run.deadline).await.map(|_| ())
    }

    async fn records_in(
        &self,
        period: &Range<Timestamp>,
        outcome: Outcome,
        run: &TimerRun,
    ) -> Result<Vec<AuditRecord>> {
        let search = AuditRecordSearch {
            outcome: Some(outcome),
            from: Some(period.start),
            to: Some(period.end),
            ..AuditRecordSearch::default()
        };
        self.client.search(&search, &run.trace, run.deadline).await
    }
}
