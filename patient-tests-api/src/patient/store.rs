//! Patients as documents.

use std::ops::Range;
use std::sync::Arc;

use mongodb::bson::{DateTime, Document, doc};
use serde::{Deserialize, Serialize};
use shared::mongo::{CollectionPlan, Database, Insertion};
use shared::page::{Page, PageRequest};
use shared::{Deadline, Preconditions, RequestHash, Result, Timestamp, Version};

use super::folded_name::FoldedName;
use super::search::DayCriterion;
use super::{Patient, PatientDetails, PatientSearch};
use crate::audit::Intent;
use crate::ids::{AuditRecordId, PatientId, PatientTag};
use crate::versioned::{
    self, Change, Changed, PreparedChange, VersionedCollection, VersionedDocument, WrittenVersion,
};

/// The largest size of a patient as JSON: all texts at their maximum take less.
const PATIENT_BYTES_MAX: usize = 4_000;

/// The stored patients.
pub(crate) struct PatientStore {
    collection: VersionedCollection<PatientTag, PatientContent>,
}

/// A change of a patient that can be written.
pub(crate) struct PreparedPatientChange(PreparedChange<PatientTag, PatientContent>);

type PatientDocument = VersionedDocument<PatientTag, PatientContent>;

#[derive(Clone, Serialize, Deserialize)]
struct PatientContent {
    #[serde(flatten)]
    details: PatientDetails,
    /// The first and the last day that the date of birth covers.
    #[serde(rename = "_dateOfBirthDate", default, skip_serializing_if = "Option::is_none")]
    date_of_birth_first: Option<DateTime>,
    #[serde(rename = "_dateOfBirthLast", default, skip_serializing_if = "Option::is_none")]
    date_of_birth_last: Option<DateTime>,
    #[serde(rename = "_firstNameFolded", default, skip_serializing_if = "Option::is_none")]
    first_name: Option<FoldedName>,
    #[serde(rename = "_lastNameFolded", default, skip_serializing_if = "Option::is_none")]
    last_name: Option<FoldedName>,
    #[serde(rename = "_fullNameFolded", default, skip_serializing_if = "Option::is_none")]
    full_name: Option<FoldedName>,
}

/// All other fields are derived from the details.
impl PartialEq for PatientContent {
    fn eq(&self, other: &Self) -> bool {
        self.details == other.details
    }
}

impl PatientStore {
    pub(crate) const COLLECTION: CollectionPlan = CollectionPlan {
        name: "patients",
        shard_key: "_shardKey",
        indexes: &[
            &["firstName"],
            &["lastName"],
            &["fullName"],
            &["_firstNameFolded"],
            &["_lastNameFolded"],
            &["_fullNameFolded"],
            &["gender"],
            &["postCode"],
            &["insuranceNumber"],
            &["preferredContactNumber"],
            &["_dateOfBirthDate"],
            &["_dateOfBirthLast"],
            // For reconciliation.
            &["lastUpdated"],
        ],
    };

    pub(crate) const HISTORY: CollectionPlan = CollectionPlan {
        name: "patientVersions",
        shard_key: "_shardKey",
        indexes: versioned::HISTORY_INDEXES,
    };

    pub(crate) fn new(database: &Arc<Database>) -> Self {
        let (name, history_name) = (Self::COLLECTION.name, Self::HISTORY.name);
        Self { collection: VersionedCollection::new(database, name, history_name) }
    }

    /// Stores a new patient, unless the same request stored the patient before.
    ///
    /// # Errors
    /// [`shared::Error::IdempotencyKeyReused`], [`shared::Error::Deleted`]; throttled or
    /// unavailable.
    pub(crate) async fn insert(
        &self,
        id: PatientId,
        details: PatientDetails,
        intent: &Intent,
        deadline: Deadline,
    ) -> Result<Insertion<Patient>> {
        let hash = RequestHash::of(&details);
        let document = VersionedDocument::first(id, id, intent, hash, details.into());
        Ok(self.collection.insert(document, intent, deadline).await?.map(Patient::from))
    }

    /// Proves that patients can be read.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn check(&self, deadline: Deadline) -> Result<()> {
        self.collection.check(deadline).await
    }

    /// The patient.
    ///
    /// # Errors
    /// [`shared::Error::NotFound`], [`shared::Error::Deleted`]; throttled or unavailable.
    pub(crate) async fn find(&self, id: PatientId, deadline: Deadline) -> Result<Patient> {
        Ok(self.collection.find(id, id, deadline).await?.unless_deleted()?.into())
    }

    /// An earlier or the current version of a patient.
    ///
    /// # Errors
    /// [`shared::Error::NotFound`], [`shared::Error::Deleted`] for a deletion; throttled or
    /// unavailable.
    pub(crate) async fn find_version(
        &self,
        id: PatientId,
        version: Version,
        deadline: Deadline,
    ) -> Result<Patient> {
        let found = self.collection.find_version(id, id, version, deadline).await?;
        Ok(found.unless_deleted()?.into())
    }

    /// One page of a patient's versions, newest first.
    ///
    /// # Errors
    /// [`shared::Error::NotFound`]; throttled or unavailable.
    pub(crate) async fn find_versions(
        &self,
        id: PatientId,
        page: &PageRequest<Version>,
        deadline: Deadline,
    ) -> Result<Page<Version>> {
        self.collection.find_versions(id, id, page, deadline).await
    }

    /// The versions of patients that were written in a period, current or not.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn written_within(
        &self,
        period: &Range<Timestamp>,
        deadline: Deadline,
    ) -> Result<Vec<WrittenVersion>> {
        self.collection.written_within(period, deadline).await
    }

    /// Whether a version of a patient names this announcement.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn has_version_of(
        &self,
        id: PatientId,
        announcement: AuditRecordId,
        deadline: Deadline,
    ) -> Result<bool> {
        self.collection.has_version_of(id, id, announcement, deadline).await
    }

    /// Prepares the replacement of a patient's details.
    ///
    /// # Errors
    /// [`shared::Error::NotFound`], [`shared::Error::Deleted`],
    /// [`shared::Error::VersionMismatch`]; throttled or unavailable.
    pub(crate) async fn prepare_replacement(
        &self,
        id: PatientId,
        details: PatientDetails,
        preconditions: Preconditions,
        deadline: Deadline,
    ) -> Result<PreparedPatientChange> {
        let change = Change::replace(details.into(), preconditions);
        self.collection.prepare(id, id, change, deadline).await.map(PreparedPatientChange)
    }

    /// Prepares the deletion of a patient; repeating a deletion has no effect.
    ///
    /// # Errors
    /// [`shared::Error::NotFound`], [`shared::Error::VersionMismatch`]; throttled or unavailable.
    pub(crate) async fn prepare_deletion(
        &self,
        id: PatientId,
        preconditions: Preconditions,
        deadline: Deadline,
    ) -> Result<PreparedPatientChange> {
        let change = Change::delete(preconditions);
        self.collection.prepare(id, id, change, deadline).await.map(PreparedPatientChange)
    }

    /// Prepares to make the details of an earlier version current, also after a deletion.
    ///
    /// # Errors
    /// [`shared::Error::NotFound`], [`shared::Error::Deleted`] if the version is a deletion,
    /// [`shared::Error::VersionMismatch`]; throttled or unavailable.
    pub(crate) async fn prepare_restore(
        &self,
        id: PatientId,
        version: Version,
        preconditions: Preconditions,
        deadline: Deadline,
    ) -> Result<PreparedPatientChange> {
        // Older versions lack the derived fields.
        let renew = |content: PatientContent| content.details.into();
        let prepared =
            self.collection.prepare_restore(id, id, version, renew, preconditions, deadline);
        prepared.await.map(PreparedPatientChange)
    }

    /// Writes a prepared change.
    ///
    /// # Errors
    /// [`shared::Error::Deleted`], [`shared::Error::VersionMismatch`],
    /// [`shared::Error::Changing`]; [`shared::Error::Unconfirmed`], throttled or unavailable.
    pub(crate) async fn write(
        &self,
        PreparedPatientChange(prepared): PreparedPatientChange,
        intent: &Intent,
        deadline: Deadline,
    ) -> Result<Changed<Patient>> {
        Ok(self.collection.write(prepared, intent, deadline).await?.map(Patient::from))
    }

    /// One page of the patients that match.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn search(
        &self,
        criteria: &PatientSearch,
        page: &PageRequest<PatientId>,
        deadline: Deadline,
    ) -> Result<Page<PatientId>> {
        let filter = filter(criteria);
        self.collection.find_page::<Patient>(filter, page, PATIENT_BYTES_MAX, deadline).await
    }
}

impl From<PatientDetails> for PatientContent {
    fn from(details: PatientDetails) -> Self {
        let days = details.date_of_birth.days();
        Self {
            date_of_birth_first: days.map(|days| DateTime::from_millis(days.first_ms())),
            date_of_birth_last: days.map(|days| DateTime::from_millis(days.last_ms())),
            first_name: Some(FoldedName::of(&details.first_name)),
            last_name: details.last_name.as_deref().map(FoldedName::of),
            full_name: details.full_name.as_deref().map(FoldedName::of),
            details,
        }
    }
}

impl From<PatientDocument> for Patient {
    fn from(document: PatientDocument) -> Self {
        Self {
            id: document.id,
            last_updated: document.last_updated(),
            version: document.version(),
            details: document.content.details,
        }
    }
}

fn filter(criteria: &PatientSearch) -> Document {
    // Destructured so that a new criterion which is not handled here does not compile: ignoring it
    // would return more patients than the caller asked for.
    let PatientSearch {
        id,
        first_name,
        last_name,
        full_name,
        gender,
        post_code,
        insurance_number,
        preferred_contact_number,
        date_of_birth_from,
        date_of_birth_to,
    } = criteria;
    let mut filter = Document::new();
    if let Some(id) = id {
        filter.insert("_id", id.to_string());
        filter.insert("_shardKey", id.to_string());
    }
    let texts = [
        ("postCode", post_code),
        ("insuranceNumber", insurance_number),
        ("preferredContactNumber", preferred_contact_number),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            filter.insert(name, value);
        }
    }
    if let Some(gender) = gender {
        filter.insert("gender", gender.name());
    }
    let names = [
        ("firstName", "_firstNameFolded", first_name),
        ("lastName", "_lastNameFolded", last_name),
        ("fullName", "_fullNameFolded", full_name),
    ];
    let mut alternatives = Vec::new();
    for (field, folded_field, name) in names {
        if let Some(name) = name {
            alternatives.push(named(field, folded_field, name));
        }
    }
    alternatives.extend(born(date_of_birth_from.as_ref(), date_of_birth_to.as_ref()));
    if !alternatives.is_empty() {
        filter.insert("$and", alternatives);
    }
    filter
}

/// Matches a name. Documents of the scaffold and of older versions lack the folded name.
fn named(field: &str, folded_field: &str, name: &str) -> Document {
    let folded = FoldedName::of(name).to_string();
    doc! { "$or": [{ folded_field: folded }, { field: name, folded_field: { "$exists": false } }] }
}

/// Matches patients whose days of birth overlap the range.
fn born(from: Option<&DayCriterion>, to: Option<&DayCriterion>) -> Option<Document> {
    let date = DateTime::from_millis;
    let until = to.map(|to| doc! { "_dateOfBirthDate": { "$lt": date(to.days.end_ms()) } });
    let Some(from) = from else {
        return until;
    };
    if to.is_some_and(|to| to.days.ends_before(from.days)) {
        // Otherwise a range that ends before it starts would match dates of birth that span it.
        return Some(doc! { "_id": { "$in": [] } });
    }
    let first = date(from.days.first_ms());
    // A date of birth that begins before the range and reaches into it is the year or the month in
    // which the range begins. This gives both ends of the index scan tight bounds.
    let begun: Vec<_> = from.days.begun_ms().into_iter().map(date).collect();
    let since = doc! { "$or": [
        { "_dateOfBirthDate": { "$gte": first } },
        { "_dateOfBirthDate": { "$in": begun }, "_dateOfBirthLast": { "$gte": first } },
    ] };
    Some(match until {
        Some(until) => doc! { "$and": [since, until] },
        None => since,
    })
}
