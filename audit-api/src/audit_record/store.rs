//! Audit records as documents.

use std::sync::Arc;

use mongodb::bson::{DateTime, Document, doc};
use serde::{Deserialize, Serialize};
use shared::mongo::{Collection, CollectionPlan, Database, Insertable, Insertion};
use shared::{Deadline, Id, RequestHash, Result, Timestamp};

use super::{AuditRecord, NewAuditRecord};

/// The stored audit records.
pub(crate) struct AuditRecordStore {
    collection: Collection<AuditRecordDocument>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuditRecordDocument {
    #[serde(rename = "_id")]
    document_id: Id<AuditRecord>,
    #[serde(rename = "_shardKey")]
    shard_key: Id<AuditRecord>,
    #[serde(rename = "_requestHash")]
    request_hash: RequestHash,
    id: Id<AuditRecord>,
    created_date: DateTime,
    #[serde(flatten)]
    content: NewAuditRecord,
}

impl AuditRecordStore {
    pub(crate) const COLLECTION: CollectionPlan = CollectionPlan {
        name: "audits",
        shard_key: "_shardKey",
        indexes: &[&["createdDate"], &["resource.id"], &["resource.patientId"]],
    };

    pub(crate) fn new(database: Arc<Database>) -> Self {
        Self { collection: Collection::new(database, Self::COLLECTION.name) }
    }

    /// Stores a record once, even if the request is repeated.
    ///
    /// # Errors
    /// [`shared::Error::IdempotencyKeyReused`] if the identifier was used for other content;
    /// throttled or unavailable.
    pub(crate) async fn insert(
        &self,
        record: AuditRecord,
        deadline: Deadline,
    ) -> Result<Insertion<AuditRecord>> {
        let document = AuditRecordDocument::from(record);
        let stored = self.collection.insert_once(&document, deadline).await?;
        Ok(match stored {
            Some(stored) => Insertion::Replayed(stored.into()),
            None => Insertion::New(document.into()),
        })
    }

    /// Proves that records can be read.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn check(&self, deadline: Deadline) -> Result<()> {
        self.collection.check(deadline).await
    }
}

impl Insertable for AuditRecordDocument {
    fn key(&self) -> Document {
        let id = self.document_id.to_string();
        doc! { "_id": &id, "_shardKey": &id }
    }

    fn request_hash(&self) -> Option<&RequestHash> {
        Some(&self.request_hash)
    }
}

impl From<AuditRecord> for AuditRecordDocument {
    fn from(record: AuditRecord) -> Self {
        Self {
            document_id: record.id,
            shard_key: record.id,
            request_hash: RequestHash::of(&record.content),
            id: record.id,
            created_date: DateTime::from_millis(record.created_date.unix_ms()),
            content: record.content,
        }
    }
}

impl From<AuditRecordDocument> for AuditRecord {
    fn from(document: AuditRecordDocument) -> Self {
        Self {
            id: document.id,
            content: document.content,
            created_date: Timestamp::from_unix_ms(document.created_date.timestamp_millis()),
        }
    }
}
