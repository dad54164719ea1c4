//! Documents with versions and soft deletion, the common base of patients and tests.
//!
//! A write replaces exactly the version that was read (compare and swap on `_version`) and stores
//! the id of the audit record that announced it, so that every version names its record. Documents
//! of the scaffold have no fields with an underscore except `_id` and `_shardKey`.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::{Bson, DateTime, Document, doc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use shared::mongo::{Collection, Database, Insertable, Insertion};
use shared::page::{Page, PageRequest};
use shared::{
    Deadline, Error, Id, Preconditions, RequestHash, Result, Timestamp, Version, backoff,
};

use crate::audit::Intent;
use crate::ids::{AuditRecordId, PatientId};

/// The time that must remain for retrying a write after a conflict: if the deadline cuts an attempt
/// short, its outcome is unknown.
const ATTEMPT_TIME_MIN: Duration = Duration::from_secs(2);

/// A stored record with ids of kind `K` and content `C`.
#[derive(Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    bound(serialize = "C: Serialize", deserialize = "C: Deserialize<'de>")
)]
pub(crate) struct VersionedDocument<K, C> {
    #[serde(rename = "_id")]
    document_id: Id<K>,
    #[serde(rename = "_shardKey")]
    shard_key: PatientId,
    #[serde(rename = "_version", default, skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
    #[serde(rename = "_auditId", default, skip_serializing_if = "Option::is_none")]
    audit_id: Option<AuditRecordId>,
    #[serde(rename = "_requestHash", default, skip_serializing_if = "Option::is_none")]
    request_hash: Option<RequestHash>,
    #[serde(rename = "_deleted", default, skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    pub(crate) id: Id<K>,
    #[serde(deserialize_with = "date")]
    last_updated: DateTime,
    #[serde(flatten)]
    pub(crate) content: C,
}

/// A collection of such documents.
pub(crate) struct VersionedCollection<K, C> {
    collection: Collection<VersionedDocument<K, C>>,
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
            id,
            last_updated: DateTime::now(),
            content,
        }
    }

    pub(crate) fn version(&self) -> Version {
        self.version.unwrap_or_default()
    }

    pub(crate) fn last_updated(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.last_updated.timestamp_millis())
    }

    /// The document, unless it was deleted.
    pub(crate) fn unless_deleted(self) -> Result<Self> {
        if self.deleted { Err(Error::Deleted) } else { Ok(self) }
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

impl<K, C> VersionedCollection<K, C>
where
    K: 'static,
    C: Serialize + DeserializeOwned + Send + Sync + Unpin,
{
    pub(crate) fn new(database: Arc<Database>, name: &'static str) -> Self {
        Self { collection: Collection::new(database, name) }
    }

    /// Stores a new record, unless the same request stored it before.
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`], [`Error::Deleted`] if it was deleted in the meantime;
    /// throttled or unavailable.
    pub(crate) async fn insert(
        &self,
        document: VersionedDocument<K, C>,
        deadline: Deadline,
    ) -> Result<Insertion<VersionedDocument<K, C>>> {
        let audit_id = document.audit_id;
        match self.collection.insert_once(document, deadline).await? {
            // Our own write; the response to its first attempt was lost.
            Insertion::Replayed(stored) if stored.audit_id == audit_id => {
                Ok(Insertion::New(stored))
            }
            Insertion::Replayed(stored) => Ok(Insertion::Replayed(stored.unless_deleted()?)),
            Insertion::New(stored) => Ok(Insertion::New(stored)),
        }
    }

    /// The record, deleted or not.
    ///
    /// # Errors
    /// [`Error::NotFound`]; throttled or unavailable.
    pub(crate) async fn find(
        &self,
        id: Id<K>,
        shard_key: PatientId,
        deadline: Deadline,
    ) -> Result<VersionedDocument<K, C>> {
        self.collection.find_one(&key(id, shard_key), deadline).await?.ok_or(Error::NotFound)
    }

    /// Proves that records can be read.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn check(&self, deadline: Deadline) -> Result<()> {
        self.collection.check(deadline).await
    }

    /// One page of the records that match and are not deleted, as items of type `T`. They are
    /// fetched in portions that suit their size: each is a short command that can be retried alone,
    /// and no more is read than the page can hold. An item has at most about `item_bytes_max`
    /// bytes.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn find_page<T>(
        &self,
        mut filter: Document,
        page: &PageRequest<K>,
        item_bytes_max: usize,
        deadline: Deadline,
    ) -> Result<Page<K>>
    where
        T: From<VersionedDocument<K, C>> + Serialize,
    {
        filter.insert("_deleted", doc! { "$ne": true });
        let mut page = page.begin(item_bytes_max);
        loop {
            let portion = page.portion();
            // Combined with any other condition on `_id` in the filter.
            let rest = match page.after() {
                Some(after) => {
                    let after = doc! { "_id": { "$gt": after.to_string() } };
                    doc! { "$and": [filter.clone(), after] }
                }
                None => filter.clone(),
            };
            let found = self.collection.find_sorted(&rest, portion, deadline).await?;
            let is_last = found.len() < portion;
            for document in found {
                let id = document.id;
                if !page.takes(id, &T::from(document)) {
                    return Ok(page);
                }
            }
            if is_last {
                return Ok(page);
            }
        }
    }

    /// Writes the version after `current`; after a conflict, the version after the newer one.
    ///
    /// # Errors
    /// [`Error::Deleted`], [`Error::VersionMismatch`] if a precondition does not hold (any more),
    /// [`Error::Changing`] if conflicts lasted until the deadline; throttled or unavailable.
    pub(crate) async fn replace(
        &self,
        mut current: VersionedDocument<K, C>,
        preconditions: &Preconditions,
        intent: &Intent,
        deadline: Deadline,
        change: impl Fn(&mut VersionedDocument<K, C>),
    ) -> Result<VersionedDocument<K, C>> {
        for attempts_made in 1.. {
            let mut next = current.unless_deleted()?;
            preconditions.check_write(next.version())?;
            let (id, shard_key) = (next.document_id, next.shard_key);
            let mut filter = key(id, shard_key);
            // Null also matches the scaffold's documents, which have no version.
            filter.insert("_version", next.version.map(Version::number));
            next.version = Some(next.version().next());
            next.audit_id = Some(intent.id());
            next.last_updated = DateTime::now();
            change(&mut next);
            if self.collection.replace_one(&filter, &next, deadline).await? {
                return Ok(next);
            }
            // Random, growing pauses keep colliding writers apart.
            let pause = backoff::pause(None, attempts_made);
            if pause + ATTEMPT_TIME_MIN >= deadline.remaining() {
                break;
            }
            tokio::time::sleep(pause).await;
            current = self.find(id, shard_key, deadline).await?;
            if current.audit_id == Some(intent.id()) {
                // Our own write; the response to its first attempt was lost.
                return Ok(current);
            }
        }
        Err(Error::Changing)
    }

    /// Marks the record as deleted. If it is deleted already, nothing changes, whatever the
    /// preconditions, so that a delete can be repeated (RFC 9110, section 13.1.1).
    ///
    /// # Errors
    /// [`Error::VersionMismatch`], [`Error::Changing`]; throttled or unavailable.
    pub(crate) async fn delete(
        &self,
        current: VersionedDocument<K, C>,
        preconditions: &Preconditions,
        intent: &Intent,
        deadline: Deadline,
    ) -> Result<()> {
        let mark = |next: &mut VersionedDocument<K, C>| next.deleted = true;
        match self.replace(current, preconditions, intent, deadline, mark).await {
            Ok(_) | Err(Error::Deleted) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn key<K>(id: Id<K>, shard_key: PatientId) -> Document {
    doc! { "_id": id.to_string(), "_shardKey": shard_key.to_string() }
}

/// A date; the scaffold may have stored text or nothing instead.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime, D::Error> {
    Ok(match Bson::deserialize(deserializer)? {
        Bson::DateTime(date) => date,
        Bson::String(text) => DateTime::parse_rfc3339_str(text).unwrap_or(DateTime::from_millis(0)),
        _ => DateTime::from_millis(0),
    })
}
