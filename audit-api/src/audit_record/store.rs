//! Audit records as documents.

use std::sync::Arc;

use mongodb::bson::{DateTime, Document, doc, serialize_to_bson};
use serde::{Deserialize, Serialize};
use shared::mongo::{Collection, CollectionPlan, Database, Insertable, Insertion};
use shared::page::{Page, PageRequest};
use shared::{Deadline, Error, Id, RequestHash, Result, Timestamp};

use super::{AuditRecord, AuditRecordSearch, NewAuditRecord, Position};

/// The size of a record that a page is prepared for: one command then gets 256 records. Those of the
/// Patient API have up to 45 KiB, with a thousand identifiers; usually it is less than one.
const RECORD_BYTES_EXPECTED: usize = 16 << 10;

/// The type of resource whose `resource.id` is a patient's id.
const PATIENT: &str = "patient";

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
    /// The scaffold's records have none.
    #[serde(rename = "_requestHash", default, skip_serializing_if = "Option::is_none")]
    request_hash: Option<RequestHash>,
    id: Id<AuditRecord>,
    created_date: DateTime,
    #[serde(flatten)]
    content: NewAuditRecord,
}

impl AuditRecordStore {
    pub(crate) const COLLECTION: CollectionPlan = CollectionPlan {
        name: "audits",
        shard_key: "_shardKey",
        indexes: &[
            &["createdDate", "_id"],
            &["resource.id"],
            &["resource.patientId"],
            &["resource.disclosed"],
            &["actor.userId"],
            &["actor.subscriptionId"],
            &["traceId"],
            &["relatesTo"],
        ],
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

    /// Stores records with one command, each as [`Self::insert`] does; the results are in the same
    /// order.
    pub(crate) async fn insert_each(
        &self,
        records: Vec<AuditRecord>,
        deadline: Deadline,
    ) -> Vec<Result<Insertion<Id<AuditRecord>>>> {
        let documents: Vec<_> = records.into_iter().map(AuditRecordDocument::from).collect();
        let stored = self.collection.insert_each_once(&documents, deadline).await;
        let ends = stored.into_iter().zip(&documents).map(|(stored, document)| {
            Ok(match stored? {
                Some(_) => Insertion::Replayed(document.id),
                None => Insertion::New(document.id),
            })
        });
        ends.collect()
    }

    /// The record.
    ///
    /// # Errors
    /// [`Error::NotFound`]; throttled or unavailable.
    pub(crate) async fn find(
        &self,
        id: Id<AuditRecord>,
        deadline: Deadline,
    ) -> Result<AuditRecord> {
        let found = self.collection.find_one(&key(id), deadline).await?;
        Ok(found.ok_or(Error::NotFound)?.into())
    }

    /// One page of the records that match, newest first.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn search(
        &self,
        criteria: &AuditRecordSearch,
        page: &PageRequest<Position>,
        deadline: Deadline,
    ) -> Result<Page<Position>> {
        let filter = filter(criteria);
        let newest_first = doc! { "createdDate": -1, "_id": -1 };
        let (filter, newest_first) = (&filter, &newest_first);
        let fetch = |after: Option<Position>, portion| async move {
            let rest = match after {
                Some(after) if criteria.is_selective() => selective_rest(filter.clone(), after),
                Some(after) => doc! { "$and": [filter.clone(), older_than(after)] },
                None => filter.clone(),
            };
            let found = self.collection.find_sorted(&rest, newest_first, portion, deadline).await?;
            let records = found.into_iter().map(AuditRecord::from);
            Ok(records.map(|record| (record.position(), record)).collect())
        };
        page.fill(RECORD_BYTES_EXPECTED, fetch).await
    }

    /// Proves that records can be read.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn check(&self, deadline: Deadline) -> Result<()> {
        self.collection.check(deadline).await
    }
}

/// The filter that finds exactly the record with this id.
fn key(id: Id<AuditRecord>) -> Document {
    let id = id.to_string();
    doc! { "_id": &id, "_shardKey": &id }
}

/// The filter that finds the records that match.
fn filter(criteria: &AuditRecordSearch) -> Document {
    // Destructured so that a new criterion which is not handled here does not compile: ignoring it
    // would return more records than the caller asked for.
    let AuditRecordSearch {
        patient_id,
        resource_type,
        resource_id,
        operation,
        outcome,
        user_id,
        subscription_id,
        organisation,
        purpose,
        trace_id,
        relates_to,
        from,
        to,
    } = criteria;
    let texts = [
        ("resource.type", resource_type),
        ("resource.id", resource_id),
        ("resource.operation", operation),
        ("actor.userId", user_id),
        ("actor.subscriptionId", subscription_id),
        ("actor.organisation", organisation),
        ("purpose", purpose),
        ("traceId", trace_id),
    ];
    let mut filter = Document::new();
    for (field, text) in texts {
        if let Some(text) = text {
            filter.insert(field, text);
        }
    }
    if let Some(outcome) = outcome {
        let word = serialize_to_bson(outcome).expect("serialising a word cannot fail");
        filter.insert("outcome", word);
    }
    if let Some(id) = relates_to {
        filter.insert("relatesTo", id.to_string());
    }
    if let Some(id) = patient_id {
        let id = id.to_string();
        // Each branch has an index.
        filter.insert(
            "$or",
            vec![
                doc! { "resource.patientId": &id },
                // Old records about a patient have no `patientId`.
                doc! { "resource.id": &id, "resource.type": PATIENT },
                doc! { "resource.disclosed": &id },
            ],
        );
    }
    let mut period = Document::new();
    if let Some(from) = from {
        period.insert("$gte", date(*from));
    }
    if let Some(to) = to {
        period.insert("$lt", date(*to));
    }
    if !period.is_empty() {
        filter.insert("createdDate", period);
    }
    filter
}

/// The filter that finds the records after this position, which are older. Its first condition
/// follows from the second; it is there for the index, which cannot use alternatives.
fn older_than(position: Position) -> Document {
    let created_date = date(position.time);
    doc! {
        "createdDate": { "$lte": created_date },
        "$or": [
            { "createdDate": { "$lt": created_date } },
            { "createdDate": created_date, "_id": { "$lt": position.id.to_string() } },
        ],
    }
}

/// The filter that finds the rest of a selective search, after this position. It excludes what comes
/// before by `$nor`, which uses no index, and so leaves the choice of one to the criterion that few
/// records match; a bound of `createdDate` makes the database weigh a walk through the whole register
/// at each page.
fn selective_rest(mut filter: Document, position: Position) -> Document {
    let created_date = date(position.time);
    let not_older = vec![
        doc! { "createdDate": { "$gt": created_date } },
        doc! { "createdDate": created_date, "_id": { "$gte": position.id.to_string() } },
    ];
    filter.insert("$nor", not_older);
    filter
}

fn date(timestamp: Timestamp) -> DateTime {
    DateTime::from_millis(timestamp.unix_ms())
}

impl Insertable for AuditRecordDocument {
    fn key(&self) -> Document {
        key(self.document_id)
    }

    fn request_hash(&self) -> Option<&RequestHash> {
        self.request_hash.as_ref()
    }
}

impl From<AuditRecord> for AuditRecordDocument {
    fn from(record: AuditRecord) -> Self {
        Self {
            document_id: record.id,
            shard_key: record.id,
            request_hash: Some(RequestHash::of(&record.content)),
            id: record.id,
            created_date: date(record.created_date),
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
