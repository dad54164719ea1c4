//! Patients as documents.

use std::sync::Arc;

use mongodb::bson::{DateTime, Document, doc};
use serde::{Deserialize, Serialize};
use shared::mongo::{CollectionPlan, Database, Insertion};
use shared::page::{Page, PageRequest};
use shared::{Deadline, Preconditions, RequestHash, Result};

use super::{Patient, PatientDetails, PatientId, PatientSearch};
use crate::audit::AuditRecordId;
use crate::versioned::{VersionedCollection, VersionedDocument};

/// The stored patients.
pub(crate) struct PatientStore {
    collection: VersionedCollection<Patient, PatientContent>,
}

/// A patient who was found, with what the next version needs.
pub(crate) struct StoredPatient(PatientDocument);

type PatientDocument = VersionedDocument<Patient, PatientContent>;

#[derive(Serialize, Deserialize)]
struct PatientContent {
    #[serde(flatten)]
    details: PatientDetails,
    #[serde(rename = "_dateOfBirthDate", default, skip_serializing_if = "Option::is_none")]
    date_of_birth_date: Option<DateTime>,
}

impl PatientStore {
    pub(crate) const COLLECTION: CollectionPlan = CollectionPlan {
        name: "patients",
        shard_key: "_shardKey",
        indexes: &[
            "firstName",
            "lastName",
            "fullName",
            "gender",
            "postCode",
            "insuranceNumber",
            "preferredContactNumber",
            "_dateOfBirthDate",
        ],
    };

    pub(crate) fn new(database: Arc<Database>) -> Self {
        Self { collection: VersionedCollection::new(database, Self::COLLECTION.name) }
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
        audit_id: AuditRecordId,
        deadline: Deadline,
    ) -> Result<Insertion<Patient>> {
        let hash = RequestHash::of(&details);
        let document = VersionedDocument::first(id, id, audit_id, hash, details.into());
        Ok(self.collection.insert(document, deadline).await?.map(Patient::from))
    }

    /// The patient.
    ///
    /// # Errors
    /// [`shared::Error::NotFound`], [`shared::Error::Deleted`]; throttled or unavailable.
    pub(crate) async fn find(&self, id: PatientId, deadline: Deadline) -> Result<Patient> {
        Ok(self.collection.find(id, id, deadline).await?.unless_deleted()?.into())
    }

    /// The patient, deleted or not, as the starting point of a change.
    ///
    /// # Errors
    /// [`shared::Error::NotFound`]; throttled or unavailable.
    pub(crate) async fn find_stored(
        &self,
        id: PatientId,
        deadline: Deadline,
    ) -> Result<StoredPatient> {
        self.collection.find(id, id, deadline).await.map(StoredPatient)
    }

    /// Gives a patient other details.
    ///
    /// # Errors
    /// [`shared::Error::Deleted`], [`shared::Error::VersionMismatch`]; throttled or unavailable.
    pub(crate) async fn replace(
        &self,
        StoredPatient(current): StoredPatient,
        details: PatientDetails,
        preconditions: &Preconditions,
        audit_id: AuditRecordId,
        deadline: Deadline,
    ) -> Result<Patient> {
        let replace = |next: &mut PatientDocument| next.content = details.clone().into();
        let replaced =
            self.collection.replace(current, preconditions, audit_id, deadline, replace).await?;
        Ok(replaced.into())
    }

    /// Deletes a patient; a patient who is deleted already stays so.
    ///
    /// # Errors
    /// [`shared::Error::VersionMismatch`]; throttled or unavailable.
    pub(crate) async fn delete(
        &self,
        StoredPatient(current): StoredPatient,
        preconditions: &Preconditions,
        audit_id: AuditRecordId,
        deadline: Deadline,
    ) -> Result<()> {
        self.collection.delete(current, preconditions, audit_id, deadline).await
    }

    /// One page of the patients who match.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn search(
        &self,
        criteria: &PatientSearch,
        page: &PageRequest<Patient>,
        deadline: Deadline,
    ) -> Result<Page<Patient>> {
        let found = self.collection.find_page(filter(criteria), page, deadline).await?;
        Ok(found.map(Patient::from))
    }
}

impl From<PatientDetails> for PatientContent {
    fn from(details: PatientDetails) -> Self {
        let date_of_birth_date = details.date_of_birth.first_ms().map(DateTime::from_millis);
        Self { details, date_of_birth_date }
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
    let mut filter = Document::new();
    if let Some(id) = criteria.id {
        filter.insert("_id", id.to_string());
        filter.insert("_shardKey", id.to_string());
    }
    let texts = [
        ("firstName", &criteria.first_name),
        ("lastName", &criteria.last_name),
        ("fullName", &criteria.full_name),
        ("postCode", &criteria.post_code),
        ("insuranceNumber", &criteria.insurance_number),
        ("preferredContactNumber", &criteria.preferred_contact_number),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            filter.insert(name, value);
        }
    }
    if let Some(gender) = criteria.gender {
        filter.insert("gender", gender.name());
    }
    let mut range = Document::new();
    if let Some(from) = &criteria.date_of_birth_from {
        range.insert("$gte", DateTime::from_millis(from.days.first_ms()));
    }
    if let Some(to) = &criteria.date_of_birth_to {
        range.insert("$lt", DateTime::from_millis(to.days.end_ms()));
    }
    if !range.is_empty() {
        filter.insert("_dateOfBirthDate", range);
    }
    filter
}
