//! The earlier versions of records.
//!
//! Before a version is replaced, its document is copied to the history under `<id>:<version>`. A
//! crash between the two leaves a copy of the current version, which readers ignore; nothing needs
//! repair. A version never changes, so a copy that exists is the same.

use std::marker::PhantomData;
use std::sync::Arc;

use mongodb::bson::{DateTime, Document, RawDocument, RawDocumentBuf, doc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::mongo::{Collection, Database};
use shared::{Deadline, Error, Id, Result, Timestamp, Version};

use super::document::{StoredDocument, date, timestamp, with_document_id};
use super::written::{self, WrittenFields};
use crate::ids::{AuditRecordId, PatientId};

/// The earlier versions of the records in one collection.
pub(super) struct History<K, C> {
    versions: Collection<RawDocumentBuf>,
    records: PhantomData<fn() -> (K, C)>,
}

/// A version in the list of a record's versions.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VersionSummary {
    pub(crate) version: Version,
    last_updated: Timestamp,
    operation: &'static str,
    deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_record_id: Option<AuditRecordId>,
}

/// The fields of a document from which a summary is made; `_version` may be absent.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct SummaryFields {
    #[serde(rename = "_version", default)]
    pub(super) version: Version,
    #[serde(rename = "_auditId", default)]
    pub(super) audit_id: Option<AuditRecordId>,
    #[serde(rename = "_deleted", default)]
    pub(super) deleted: bool,
    #[serde(rename = "_restoredVersion", default)]
    restored_version: Option<Version>,
    #[serde(rename = "lastUpdated", deserialize_with = "date")]
    last_updated: DateTime,
}

impl SummaryFields {
    /// The projection that loads them.
    pub(super) fn projection() -> Document {
        doc! { "_version": 1, "_auditId": 1, "_deleted": 1, "_restoredVersion": 1, "lastUpdated": 1 }
    }

    /// The version before this deletion, if only the deletion kept its content: earlier releases
    /// had no history. It was last changed at the time of the deletion or before, by a create or an
    /// update.
    pub(super) fn before_deletion(self) -> Option<Self> {
        let version = self.version.previous().filter(|_| self.deleted)?;
        Some(Self { version, audit_id: None, deleted: false, restored_version: None, ..self })
    }
}

impl From<SummaryFields> for VersionSummary {
    fn from(fields: SummaryFields) -> Self {
        let operation = match (fields.version, fields.deleted, fields.restored_version) {
            (_, true, _) => "delete",
            (_, false, Some(_)) => "restore",
            (Version::FIRST, false, None) => "create",
            (_, false, None) => "update",
        };
        Self {
            version: fields.version,
            last_updated: timestamp(fields.last_updated),
            operation,
            deleted: fields.deleted,
            audit_record_id: fields.audit_id,
        }
    }
}

impl<K, C: DeserializeOwned> History<K, C> {
    pub(super) fn new(database: Arc<Database>, name: &'static str) -> Self {
        Self { versions: Collection::new(database, name), records: PhantomData }
    }

    /// Keeps a version that is about to be replaced.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(super) async fn keep(
        &self,
        id: Id<K>,
        version: Version,
        document: &RawDocument,
        deadline: Deadline,
    ) -> Result<()> {
        let kept = with_document_id(document, &version_id(id, version))?;
        match self.versions.insert(&kept, deadline).await {
            Ok(_) => Ok(()),
            // A copy that no version follows is harmless: the change itself was not attempted.
            Err(Error::Unconfirmed { source }) => Err(Error::unavailable("The database", source)),
            Err(error) => Err(error),
        }
    }

    /// An earlier version of a record, if there is one.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(super) async fn find(
        &self,
        id: Id<K>,
        shard_key: PatientId,
        version: Version,
        deadline: Deadline,
    ) -> Result<Option<StoredDocument<K, C>>> {
        let filter = doc! { "_id": version_id(id, version), "_shardKey": shard_key.to_string() };
        let Some(raw) = self.versions.find_one(&filter, deadline).await? else {
            return Ok(None);
        };
        StoredDocument::parse(with_document_id(&raw, &id.to_string())?).map(Some)
    }

    /// The versions from `newest` down, `count` at most, as far as they are in the history; in any
    /// order.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(super) async fn summaries(
        &self,
        id: Id<K>,
        shard_key: PatientId,
        newest: Version,
        count: usize,
        deadline: Deadline,
    ) -> Result<Vec<SummaryFields>> {
        let versions = std::iter::successors(Some(newest), |version| version.previous());
        let ids: Vec<_> = versions.take(count).map(|version| version_id(id, version)).collect();
        let filter = doc! { "_id": { "$in": ids }, "_shardKey": shard_key.to_string() };
        self.versions.find_fields(&filter, &SummaryFields::projection(), count, deadline).await
    }

    /// The versions that match.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(super) async fn written_within(
        &self,
        filter: &Document,
        deadline: Deadline,
    ) -> Result<Vec<WrittenFields>> {
        let fields = WrittenFields::projection();
        self.versions.find_fields(filter, &fields, written::BATCH, deadline).await
    }

    /// Whether an earlier version names this announcement.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(super) async fn has_version_of(
        &self,
        shard_key: PatientId,
        announcement: AuditRecordId,
        deadline: Deadline,
    ) -> Result<bool> {
        let filter =
            doc! { "_auditId": announcement.to_string(), "_shardKey": shard_key.to_string() };
        Ok(self.versions.find_one(&filter, deadline).await?.is_some())
    }
}

fn version_id<K>(id: Id<K>, version: Version) -> String {
    format!("{id}:{version}")
}
