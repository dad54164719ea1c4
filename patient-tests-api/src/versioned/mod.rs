//! Records with versions, a history and soft deletion, the common base of patients and tests.
//!
//! A write replaces exactly the version that was read (compare and swap on `_version`), after a copy
//! of that version was added to the history. Every version has the id of the audit record that
//! announced it, so the current version and the history decide whether a write has happened.
//! Documents of the scaffold have no fields with an underscore except `_id` and `_shardKey`.

mod change;
mod document;
mod history;
mod rules;
mod written;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::{Document, RawDocumentBuf, doc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::mongo::{Collection, Database, Insertable, Insertion};
use shared::page::{Page, PageRequest};
use shared::{Deadline, Error, Id, Preconditions, Result, Timestamp, Version, backoff};
use tokio::join;

use change::{Effect, Kind};
use document::{StoredDocument, key};
use history::{History, SummaryFields};
use written::WrittenFields;

use crate::audit::Intent;
use crate::ids::{AuditRecordId, PatientId};

pub(crate) use change::Change;
pub(crate) use document::VersionedDocument;
pub(crate) use history::VersionSummary;
pub(crate) use rules::Restoration;
pub(crate) use written::WrittenVersion;

/// The time that must remain for retrying a write after a conflict: if the deadline cuts an attempt
/// short, its outcome is unknown.
const ATTEMPT_TIME_MIN: Duration = Duration::from_secs(2);

/// The fewest versions to look for at once: lookups end at the first portion that is not in the
/// history, and an instance of an earlier release may have left a gap.
const SUMMARIES_MIN: usize = 100;

/// The approximate size of a summary as JSON.
const SUMMARY_BYTES: usize = 200;

/// The indexes of a history: by audit record and by time, for reconciliation.
pub(crate) const HISTORY_INDEXES: &[&[&str]] = &[&["_auditId"], &["lastUpdated"]];

/// A collection of such records, and their history.
pub(crate) struct VersionedCollection<K, C> {
    records: Collection<VersionedDocument<K, C>>,
    /// The same collection, for documents that are copied to the history.
    documents: Collection<RawDocumentBuf>,
    history: History<K, C>,
}

/// A change that can be written: the version that it replaces is in the history.
pub(crate) struct PreparedChange<K, C> {
    change: Change<C>,
    next: Next<K, C>,
}

/// What follows from a change.
enum Next<K, C> {
    /// A new version, after the one that is stored like `replaced`.
    Version { replaced: Option<Version>, record: VersionedDocument<K, C> },
    /// Nothing: the record is already like this.
    Unchanged(VersionedDocument<K, C>),
}

/// The outcome of a change.
pub(crate) enum Changed<T> {
    /// The new version.
    Written(T),
    /// The current version, which is already as the change would make it.
    Unchanged(T),
}

impl<T> Changed<T> {
    /// The same outcome with a converted record.
    pub(crate) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Changed<U> {
        match self {
            Self::Written(record) => Changed::Written(convert(record)),
            Self::Unchanged(record) => Changed::Unchanged(convert(record)),
        }
    }
}

impl<K, C> VersionedCollection<K, C>
where
    K: Clone + 'static,
    C: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync + Unpin,
{
    /// The records in the collection `name`, with their earlier versions in the collection
    /// `history_name`.
    pub(crate) fn new(
        database: &Arc<Database>,
        name: &'static str,
        history_name: &'static str,
    ) -> Self {
        Self {
            records: Collection::new(Arc::clone(database), name),
            documents: Collection::new(Arc::clone(database), name),
            history: History::new(Arc::clone(database), history_name),
        }
    }

    /// Stores a new record, unless the same request stored it before.
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`]; [`Error::Deleted`] if an earlier request stored it and it
    /// was deleted since; [`Error::Unconfirmed`], throttled or unavailable.
    pub(crate) async fn insert(
        &self,
        record: VersionedDocument<K, C>,
        intent: &Intent,
        deadline: Deadline,
    ) -> Result<Insertion<VersionedDocument<K, C>>> {
        let Some(stored) = self.records.insert_once(&record, deadline).await? else {
            return Ok(Insertion::New(record));
        };
        // It can be our own write: the response to its first attempt was lost.
        let is_ours = self.has_happened(&record, &stored, intent, deadline).await;
        if is_ours.map_err(Error::of_unconfirmed_write)? {
            Ok(Insertion::New(record))
        } else {
            Ok(Insertion::Replayed(stored.unless_deleted()?))
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
        self.records.find_one(&key(id, shard_key), deadline).await?.ok_or(Error::NotFound)
    }

    /// Proves that records can be read.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn check(&self, deadline: Deadline) -> Result<()> {
        self.records.check(deadline).await
    }

    /// One page of the records that match and are not deleted, as items of type `T`. An item has at
    /// most about `item_bytes_max` bytes.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn find_page<T>(
        &self,
        mut filter: Document,
        page: &PageRequest<Id<K>>,
        item_bytes_max: usize,
        deadline: Deadline,
    ) -> Result<Page<Id<K>>>
    where
        T: From<VersionedDocument<K, C>> + Serialize,
    {
        filter.insert("_deleted", doc! { "$ne": true });
        let by_id = doc! { "_id": 1 };
        let (filter, by_id) = (&filter, &by_id);
        let fetch = |after: Option<Id<K>>, portion| async move {
            // Combined with any other condition on `_id` in the filter.
            let rest = match after {
                Some(after) => {
                    let after = doc! { "_id": { "$gt": after.to_string() } };
                    doc! { "$and": [filter.clone(), after] }
                }
                None => filter.clone(),
            };
            let found = self.records.find_sorted(&rest, by_id, portion, deadline).await?;
            Ok(found.into_iter().map(|record| (record.id, T::from(record))).collect())
        };
        page.fill(item_bytes_max, fetch).await
    }

    /// One page of a record's versions, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`]; throttled or unavailable.
    pub(crate) async fn find_versions(
        &self,
        id: Id<K>,
        shard_key: PatientId,
        page: &PageRequest<Version>,
        deadline: Deadline,
    ) -> Result<Page<Version>> {
        let filter = key(id, shard_key);
        let fields = SummaryFields::projection();
        let current = self.records.find_fields(&filter, &fields, 1, deadline).await?;
        let current: SummaryFields = current.into_iter().next().ok_or(Error::NotFound)?;
        let newest = current.version;
        let mut page = page.begin(SUMMARY_BYTES);
        let mut upper = match page.after() {
            Some(after) => after.min(newest.next()).previous(),
            None => Some(newest),
        };
        while let Some(top) = upper {
            let count = page.portion().max(SUMMARIES_MIN);
            let mut found = self.history.summaries(id, shard_key, top, count, deadline).await?;
            found.retain(|summary| summary.version < newest);
            if let Some(deleted) = current.before_deletion()
                && deleted.version <= top
                && found.iter().all(|summary| summary.version != deleted.version)
            {
                found.push(deleted);
            }
            if top == newest {
                found.push(current);
            }
            if found.is_empty() {
                break;
            }
            found.sort_unstable_by_key(|summary| std::cmp::Reverse(summary.version));
            for summary in found {
                let version = summary.version;
                if !page.takes(version, &VersionSummary::from(summary)) {
                    return Ok(page);
                }
            }
            upper = top.minus(count);
        }
        Ok(page)
    }

    /// A version of a record, deleted or not.
    ///
    /// # Errors
    /// [`Error::NotFound`]; throttled or unavailable.
    pub(crate) async fn find_version(
        &self,
        id: Id<K>,
        shard_key: PatientId,
        version: Version,
        deadline: Deadline,
    ) -> Result<VersionedDocument<K, C>> {
        let (current, earlier) = join!(
            self.find(id, shard_key, deadline),
            self.history.find(id, shard_key, version, deadline),
        );
        version_of(&current?, earlier?, version)
    }

    /// The versions that were written in a period, current or not; the copy of a version in the
    /// history is one more.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn written_within(
        &self,
        period: &Range<Timestamp>,
        deadline: Deadline,
    ) -> Result<Vec<WrittenVersion>> {
        let filter = WrittenFields::written_within(period);
        let fields = WrittenFields::projection();
        let current: Vec<WrittenFields> =
            self.records.find_fields(&filter, &fields, written::BATCH, deadline).await?;
        // Only then, so that a version which is replaced meanwhile is found here.
        let earlier = self.history.written_within(&filter, deadline).await?;
        Ok(current.into_iter().chain(earlier).map(WrittenVersion::from).collect())
    }

    /// Whether a version of a record names this announcement.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn has_version_of(
        &self,
        id: Id<K>,
        shard_key: PatientId,
        announcement: AuditRecordId,
        deadline: Deadline,
    ) -> Result<bool> {
        let (filter, fields) = (key(id, shard_key), WrittenFields::projection());
        let current: Vec<WrittenFields> =
            self.records.find_fields(&filter, &fields, 1, deadline).await?;
        let mut current = current.into_iter().map(WrittenVersion::from);
        if current.any(|version| version.audit_id == Some(announcement)) {
            return Ok(true);
        }
        self.history.has_version_of(shard_key, announcement, deadline).await
    }

    /// Applies a change to the current version, and adds that version to the history.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Deleted`], [`Error::VersionMismatch`]; throttled or
    /// unavailable.
    pub(crate) async fn prepare(
        &self,
        id: Id<K>,
        shard_key: PatientId,
        change: Change<C>,
        deadline: Deadline,
    ) -> Result<PreparedChange<K, C>> {
        let stored = self.find_stored(id, shard_key, deadline).await?;
        let next = self.next(stored, &change, deadline).await?;
        Ok(PreparedChange { change, next })
    }

    /// Like [`Self::prepare`], for a change that makes the content of an earlier version current;
    /// `renew` brings content to the present form.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such version, [`Error::Deleted`] if it is a deletion;
    /// [`Error::VersionMismatch`]; throttled or unavailable.
    pub(crate) async fn prepare_restore(
        &self,
        id: Id<K>,
        shard_key: PatientId,
        version: Version,
        renew: impl FnOnce(C) -> C,
        preconditions: Preconditions,
        deadline: Deadline,
    ) -> Result<PreparedChange<K, C>> {
        let (stored, earlier) = join!(
            self.find_stored(id, shard_key, deadline),
            self.history.find(id, shard_key, version, deadline),
        );
        let stored = stored?;
        let restored = version_of(&stored.document, earlier?, version)?.unless_deleted()?;
        let content = renew(restored.content);
        let change = Change { kind: Kind::Restore { version, content }, preconditions };
        let next = self.next(stored, &change, deadline).await?;
        Ok(PreparedChange { change, next })
    }

    /// Writes a prepared change; after a conflict, prepares it again for the newer version.
    ///
    /// # Errors
    /// [`Error::Deleted`], [`Error::VersionMismatch`] if a precondition does not hold any more,
    /// [`Error::Changing`] if conflicts lasted until the deadline; [`Error::Unconfirmed`] if the
    /// write may have happened; throttled or unavailable.
    pub(crate) async fn write(
        &self,
        prepared: PreparedChange<K, C>,
        intent: &Intent,
        deadline: Deadline,
    ) -> Result<Changed<VersionedDocument<K, C>>> {
        let PreparedChange { change, mut next } = prepared;
        for attempts_made in 1.. {
            let (replaced, record) = match next {
                Next::Version { replaced, record } => (replaced, record.announced_by(intent)),
                Next::Unchanged(record) => return Ok(Changed::Unchanged(record)),
            };
            let mut filter = record.key();
            // Null also matches the scaffold's documents, which have no version.
            filter.insert("_version", replaced.map(Version::number));
            if self.records.replace_one(&filter, &record, deadline).await? {
                return Ok(Changed::Written(record));
            }
            // Random, growing pauses keep colliding writers apart.
            let pause = backoff::pause(None, attempts_made);
            let is_last = pause + ATTEMPT_TIME_MIN >= deadline.remaining();
            if !is_last {
                tokio::time::sleep(pause).await;
            }
            let stored = self.find_stored(record.id, record.shard_key(), deadline).await;
            let stored = stored.map_err(Error::of_unconfirmed_write)?;
            let is_ours = self.has_happened(&record, &stored.document, intent, deadline).await;
            if is_ours.map_err(Error::of_unconfirmed_write)? {
                return Ok(Changed::Written(record));
            }
            if is_last {
                break;
            }
            next = self.next(stored, &change, deadline).await?;
        }
        Err(Error::Changing)
    }

    async fn find_stored(
        &self,
        id: Id<K>,
        shard_key: PatientId,
        deadline: Deadline,
    ) -> Result<StoredDocument<K, C>> {
        let found = self.documents.find_one(&key(id, shard_key), deadline).await?;
        StoredDocument::parse(found.ok_or(Error::NotFound)?)
    }

    /// What follows from a change of the current version, which is added to the history if it is
    /// replaced.
    async fn next(
        &self,
        stored: StoredDocument<K, C>,
        change: &Change<C>,
        deadline: Deadline,
    ) -> Result<Next<K, C>> {
        let StoredDocument { document: mut record, raw } = stored;
        Ok(match change.apply(&mut record)? {
            Effect::None => Next::Unchanged(record),
            Effect::NewVersion => {
                self.history.keep(record.id, record.version(), &raw, deadline).await?;
                Next::Version { replaced: record.version, record: record.into_next() }
            }
        })
    }

    /// Whether a write of ours is the stored version or a version before it. If not, it never will
    /// be: the version that it would have replaced is gone.
    async fn has_happened(
        &self,
        written: &VersionedDocument<K, C>,
        stored: &VersionedDocument<K, C>,
        intent: &Intent,
        deadline: Deadline,
    ) -> Result<bool> {
        let (id, shard_key, version) = (written.id, written.shard_key(), written.version());
        let announced_by: Option<AuditRecordId> = if stored.version() > version {
            let found = self.history.summaries(id, shard_key, version, 1, deadline).await?;
            found.into_iter().next().and_then(|summary| summary.audit_id)
        } else {
            stored.audit_id
        };
        Ok(announced_by == Some(intent.id()))
    }
}

/// The version of a record among its current version and a document of the history.
fn version_of<K: Clone, C: Clone>(
    current: &VersionedDocument<K, C>,
    earlier: Option<StoredDocument<K, C>>,
    version: Version,
) -> Result<VersionedDocument<K, C>> {
    if version == current.version() {
        return Ok(current.clone());
    }
    if version > current.version() {
        // A copy that was made for a change which did not happen is not a version.
        return Err(Error::NotFound);
    }
    match earlier {
        Some(earlier) => Ok(earlier.document),
        // Earlier releases had no history, but deletions keep the content of the version before.
        None if current.deleted && version.next() == current.version() => {
            Ok(current.clone().before_deletion(version))
        }
        None => Err(Error::NotFound),
    }
}
