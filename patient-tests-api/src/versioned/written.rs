//! Stored versions as reconciliation sees them: nothing in them is certain, since they may have been
//! written past the app.

use std::ops::Range;

use mongodb::bson::{Bson, DateTime, Document, doc};
use serde::Deserialize;
use shared::{Id, Timestamp, Version};

use crate::ids::{AuditRecordId, PatientId};

/// How many versions one reply of the database holds.
pub(super) const BATCH: usize = 1_000;

/// A stored version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct WrittenVersion {
    /// The record's id in lower case; `None` if it is not a GUID.
    pub(crate) id: Option<String>,
    /// The patient's id; `None` if it is not a GUID.
    pub(crate) patient_id: Option<PatientId>,
    /// The version; `None` if it is none.
    pub(crate) version: Option<Version>,
    /// The audit record that announced it, if it names one.
    pub(crate) audit_id: Option<AuditRecordId>,
    /// Whether the version is a deletion.
    pub(crate) deleted: bool,
    /// When it was written.
    pub(crate) last_updated: Timestamp,
}

/// The fields of a document that matter, of any type.
#[derive(Deserialize)]
pub(super) struct WrittenFields {
    #[serde(rename = "_id")]
    document_id: Bson,
    #[serde(rename = "_shardKey", default)]
    shard_key: Option<Bson>,
    /// Absent in documents of the scaffold, which are the first version.
    #[serde(rename = "_version", default)]
    version: Option<Bson>,
    #[serde(rename = "_auditId", default)]
    audit_id: Option<Bson>,
    #[serde(rename = "_deleted", default)]
    deleted: Option<Bson>,
    #[serde(rename = "lastUpdated", default)]
    last_updated: Option<Bson>,
}

impl WrittenFields {
    /// The projection that loads them.
    pub(super) fn projection() -> Document {
        doc! { "_shardKey": 1, "_version": 1, "_auditId": 1, "_deleted": 1, "lastUpdated": 1 }
    }

    /// The filter for the versions of a period.
    pub(super) fn written_within(period: &Range<Timestamp>) -> Document {
        let date = |timestamp: Timestamp| DateTime::from_millis(timestamp.unix_ms());
        doc! { "lastUpdated": { "$gte": date(period.start), "$lt": date(period.end) } }
    }
}

impl From<WrittenFields> for WrittenVersion {
    fn from(fields: WrittenFields) -> Self {
        // In the history, `_id` has the version after the record's id.
        let id = fields.document_id.as_str().and_then(|id| id.split(':').next());
        let version = match &fields.version {
            None => Some(Version::FIRST),
            Some(number) => number
                .as_i64()
                .or_else(|| number.as_i32().map(i64::from))
                .and_then(Version::from_number),
        };
        let last_updated = fields.last_updated.as_ref().and_then(Bson::as_datetime);
        Self {
            id: id.and_then(Id::<()>::parse).map(|id| id.to_string()),
            patient_id: parsed(fields.shard_key.as_ref()),
            version,
            audit_id: parsed(fields.audit_id.as_ref()),
            deleted: fields.deleted.and_then(|deleted| deleted.as_bool()) == Some(true),
            last_updated: Timestamp::from_unix_ms(
                last_updated.map_or(0, |date| date.timestamp_millis()),
            ),
        }
    }
}

fn parsed<T>(id: Option<&Bson>) -> Option<Id<T>> {
    id.and_then(Bson::as_str).and_then(Id::parse)
}
