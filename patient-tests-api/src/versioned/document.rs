//! The document of a version.

use mongodb::bson::{self, Bson, DateTime, Document, RawDocument, RawDocumentBuf, doc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use shared::mongo::Insertable;
use shared::{Error, Id, RequestHash, Result, Timestamp, Version};

use crate::audit::Intent;
use crate::ids::{AuditRecordId, PatientId};

/// A stored record with ids of kind `K` and content `C`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    bound(serialize = "C: Serialize", deserialize = "C: Deserialize<'de>")
)]
pub(crate) struct VersionedDocument<K, C> {
    #[serde(rename = "_id")]
    document_id: Id<K>,
    #[serde(rename = "_shardKey")]
    shard_key: PatientId,
    /// Absent in documents of the scaffold, which are the first version.
    #[serde(rename = "_version", default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<Version>,
    #[serde(rename = "_auditId", default, skip_serializing_if = "Option::is_none")]
    pub(super) audit_id: Option<AuditRecordId>,
    #[serde(rename = "_requestHash", default, skip_serializing_if = "Option::is_none")]
    request_hash: Option<RequestHash>,
    #[serde(rename = "_deleted", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) deleted: bool,
    /// The earlier version that this one restored.
    #[serde(rename = "_restoredVersion", default, skip_serializing_if = "Option::is_none")]
    pub(super) restored_version: Option<Version>,
    pub(crate) id: Id<K>,
    #[serde(deserialize_with = "date")]
    pub(super) last_updated: DateTime,
    #[serde(flatten)]
    pub(crate) content: C,
}

/// A document as it is stored, with the fields that this app does not know.
pub(super) struct StoredDocument<K, C> {
    pub(super) document: VersionedDocument<K, C>,
    pub(super) raw: RawDocumentBuf,
}

impl<K, C> VersionedDocument<K, C> {
    /// The first version of a record.
    pub(crate) fn first(
        id: Id<K>,
        shard_key: PatientId,
        intent: &Intent,
        request_hash: RequestHash,
        content: C,
    ) -> Self {
        Self {
            document_id: id,
            shard_key,
            version: Some(Version::FIRST),
            audit_id: Some(intent.id()),
            request_hash: Some(request_hash),
            deleted: false,
            restored_version: None,
            id,
            last_updated: DateTime::now(),
            content,
        }
    }

    pub(crate) fn version(&self) -> Version {
        self.version.unwrap_or_default()
    }

    pub(crate) fn last_updated(&self) -> Timestamp {
        timestamp(self.last_updated)
    }

    /// The document, unless it was deleted.
    pub(crate) fn unless_deleted(self) -> Result<Self> {
        if self.deleted { Err(Error::Deleted) } else { Ok(self) }
    }

    /// The next version, with the same content.
    pub(super) fn into_next(self) -> Self {
        Self { version: Some(self.version().next()), ..self }
    }

    /// This version, written now as `intent` announced.
    pub(super) fn announced_by(self, intent: &Intent) -> Self {
        Self { audit_id: Some(intent.id()), last_updated: DateTime::now(), ..self }
    }

    /// The version before this deletion, which has the same content.
    pub(super) fn before_deletion(self, version: Version) -> Self {
        Self { version: Some(version), deleted: false, audit_id: None, ..self }
    }

    pub(super) fn shard_key(&self) -> PatientId {
        self.shard_key
    }
}

impl<K, C> Insertable for VersionedDocument<K, C> {
    fn key(&self) -> Document {
        key(self.document_id, self.shard_key)
    }

    fn request_hash(&self) -> Option<&RequestHash> {
        self.request_hash.as_ref()
    }
}

impl<K, C: DeserializeOwned> StoredDocument<K, C> {
    /// Parses a document.
    ///
    /// # Errors
    /// [`Error::Internal`] if it is not such a document.
    pub(super) fn parse(raw: RawDocumentBuf) -> Result<Self> {
        let document = bson::deserialize_from_slice(raw.as_bytes()).map_err(unreadable)?;
        Ok(Self { document, raw })
    }
}

/// The filter that finds a record.
pub(super) fn key<K>(id: Id<K>, shard_key: PatientId) -> Document {
    doc! { "_id": id.to_string(), "_shardKey": shard_key.to_string() }
}

/// A copy of the document with another `_id`.
///
/// # Errors
/// [`Error::Internal`] if it is not valid BSON.
pub(super) fn with_document_id(document: &RawDocument, id: &str) -> Result<RawDocumentBuf> {
    let mut copy = RawDocumentBuf::new();
    copy.append(bson::cstr!("_id"), id);
    for element in document {
        let (name, value) = element.map_err(unreadable)?;
        if name != bson::cstr!("_id") {
            copy.append(name, value);
        }
    }
    Ok(copy)
}

pub(super) fn timestamp(date: DateTime) -> Timestamp {
    Timestamp::from_unix_ms(date.timestamp_millis())
}

/// Names no cause: the driver's message can quote the document.
pub(super) fn unreadable(_: impl std::error::Error) -> Error {
    Error::Internal("a stored document could not be read".into())
}

/// A date; the scaffold may have stored text or nothing instead.
pub(super) fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime, D::Error> {
    Ok(match Bson::deserialize(deserializer)? {
        Bson::DateTime(date) => date,
        Bson::String(text) => DateTime::parse_rfc3339_str(text).unwrap_or(DateTime::from_millis(0)),
        _ => DateTime::from_millis(0),
    })
}
