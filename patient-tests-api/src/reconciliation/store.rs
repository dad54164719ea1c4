//! Reports as documents.

use std::sync::Arc;

use mongodb::bson::{DateTime, doc};
use serde::{Deserialize, Serialize};
use shared::mongo::{Collection, CollectionPlan, Database};
use shared::{Deadline, Error, Result, Timestamp};

use super::report::{Report, Totals};

/// All reports are in one partition, in the order of their ends.
const SHARD_KEY: &str = "reconciliation";

/// The stored reports.
pub(crate) struct ReportStore {
    collection: Collection<ReportDocument>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReportDocument {
    /// The end of the period, so that two runs which went equally far leave one report.
    #[serde(rename = "_id")]
    document_id: String,
    #[serde(rename = "_shardKey")]
    shard_key: String,
    from: DateTime,
    to: DateTime,
    created_date: DateTime,
    #[serde(flatten)]
    totals: Totals,
}

impl ReportStore {
    pub(crate) const COLLECTION: CollectionPlan =
        CollectionPlan { name: "reconciliation", shard_key: "_shardKey", indexes: &[] };

    pub(crate) fn new(database: &Arc<Database>) -> Self {
        Self { collection: Collection::new(Arc::clone(database), Self::COLLECTION.name) }
    }

    /// The report that goes furthest.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn newest(&self, deadline: Deadline) -> Result<Option<Report>> {
        let (all, newest_first) = (doc! { "_shardKey": SHARD_KEY }, doc! { "_id": -1 });
        let found = self.collection.find_sorted(&all, &newest_first, 1, deadline).await?;
        Ok(found.into_iter().next().map(Report::from))
    }

    /// Stores a report, unless another run went equally far.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(super) async fn insert(&self, report: &Report, deadline: Deadline) -> Result<()> {
        match self.collection.insert(&ReportDocument::from(report), deadline).await {
            Ok(_) => Ok(()),
            // The next run begins where the stored report ends, wherever that is.
            Err(Error::Unconfirmed { source }) => Err(Error::unavailable("The database", source)),
            Err(error) => Err(error),
        }
    }
}

impl From<&Report> for ReportDocument {
    fn from(report: &Report) -> Self {
        let date = |timestamp: Timestamp| DateTime::from_millis(timestamp.unix_ms());
        Self {
            document_id: report.to.to_string(),
            shard_key: SHARD_KEY.to_owned(),
            from: date(report.from),
            to: date(report.to),
            created_date: date(report.created_date),
            totals: report.totals.clone(),
        }
    }
}

impl From<ReportDocument> for Report {
    fn from(document: ReportDocument) -> Self {
        let timestamp = |date: DateTime| Timestamp::from_unix_ms(date.timestamp_millis());
        Self {
            from: timestamp(document.from),
            to: timestamp(document.to),
            created_date: timestamp(document.created_date),
            totals: document.totals,
        }
    }
}
