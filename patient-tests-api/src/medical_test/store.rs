//! Medical tests as documents.

use std::sync::Arc;

use mongodb::bson::{Bson, doc};
use serde::{Deserialize, Deserializer, Serialize};
use shared::mongo::{CollectionPlan, Database, Insertion};
use shared::page::{Page, PageRequest};
use shared::{Deadline, Preconditions, RequestHash, Result};

use super::{MedicalTest, MedicalTestDetails};
use crate::audit::Intent;
use crate::ids::{MedicalTestId, MedicalTestTag, PatientId};
use crate::versioned::{VersionedCollection, VersionedDocument};

/// The approximate largest size of a test as JSON: nearly that of the largest body, so that the
/// first fetched portion fills a page of such tests.
const TEST_BYTES_MAX: usize = 1_000_000;

/// The stored medical tests; those of a patient share a shard key.
pub(crate) struct MedicalTestStore {
    collection: VersionedCollection<MedicalTestTag, MedicalTestContent>,
}

/// A test from the database, with the data that its next version needs.
pub(crate) struct StoredMedicalTest(MedicalTestDocument);

type MedicalTestDocument = VersionedDocument<MedicalTestTag, MedicalTestContent>;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MedicalTestContent {
    patient_id: PatientId,
    #[serde(flatten)]
    details: MedicalTestDetails,
}

impl MedicalTestStore {
    pub(crate) const COLLECTION: CollectionPlan = CollectionPlan {
        name: "tests",
        shard_key: "_shardKey",
        // A patient's tests in page order.
        indexes: &[&["_shardKey", "_id"]],
    };

    pub(crate) fn new(database: Arc<Database>) -> Self {
        Self { collection: VersionedCollection::new(database, Self::COLLECTION.name) }
    }

    /// Stores a new test of a patient, unless the same request stored it before.
    ///
    /// # Errors
    /// [`shared::Error::IdempotencyKeyReused`], [`shared::Error::Deleted`]; throttled or
    /// unavailable.
    pub(crate) async fn insert(
        &self,
        id: MedicalTestId,
        patient_id: PatientId,
        details: MedicalTestDetails,
        intent: &Intent,
        deadline: Deadline,
    ) -> Result<Insertion<MedicalTest>> {
        let content = MedicalTestContent { patient_id, details };
        let hash = RequestHash::of(&content);
        let document = VersionedDocument::first(id, patient_id, intent, hash, content);
        Ok(self.collection.insert(document, deadline).await?.map(MedicalTest::from))
    }

    /// One test of a patient.
    ///
    /// # Errors
    /// [`shared::Error::NotFound`], [`shared::Error::Deleted`]; throttled or unavailable.
    pub(crate) async fn find(
        &self,
        patient_id: PatientId,
        id: MedicalTestId,
        deadline: Deadline,
    ) -> Result<MedicalTest> {
        Ok(self.collection.find(id, patient_id, deadline).await?.unless_deleted()?.into())
    }

    /// The test, deleted or not, as the basis of a change.
    ///
    /// # Errors
    /// [`shared::Error::NotFound`]; throttled or unavailable.
    pub(crate) async fn find_stored(
        &self,
        patient_id: PatientId,
        id: MedicalTestId,
        deadline: Deadline,
    ) -> Result<StoredMedicalTest> {
        self.collection.find(id, patient_id, deadline).await.map(StoredMedicalTest)
    }

    /// One page of a patient's tests.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn find_page(
        &self,
        patient_id: PatientId,
        page: &PageRequest<MedicalTestTag>,
        deadline: Deadline,
    ) -> Result<Page<MedicalTestTag>> {
        let filter = doc! { "_shardKey": patient_id.to_string() };
        self.collection.find_page::<MedicalTest>(filter, page, TEST_BYTES_MAX, deadline).await
    }

    /// Replaces the details of a test.
    ///
    /// # Errors
    /// [`shared::Error::Deleted`], [`shared::Error::VersionMismatch`]; throttled or unavailable.
    pub(crate) async fn replace(
        &self,
        StoredMedicalTest(current): StoredMedicalTest,
        details: MedicalTestDetails,
        preconditions: &Preconditions,
        intent: &Intent,
        deadline: Deadline,
    ) -> Result<MedicalTest> {
        let replace = |next: &mut MedicalTestDocument| next.content.details = details.clone();
        let replaced =
            self.collection.replace(current, preconditions, intent, deadline, replace).await?;
        Ok(replaced.into())
    }

    /// Deletes a test; repeating it has no effect.
    ///
    /// # Errors
    /// [`shared::Error::VersionMismatch`]; throttled or unavailable.
    pub(crate) async fn delete(
        &self,
        StoredMedicalTest(current): StoredMedicalTest,
        preconditions: &Preconditions,
        intent: &Intent,
        deadline: Deadline,
    ) -> Result<()> {
        self.collection.delete(current, preconditions, intent, deadline).await
    }
}

impl From<MedicalTestDocument> for MedicalTest {
    fn from(document: MedicalTestDocument) -> Self {
        Self {
            id: document.id,
            last_updated: document.last_updated(),
            version: document.version(),
            patient_id: document.content.patient_id,
            details: document.content.details,
        }
    }
}

/// Text; a date that the scaffold stored becomes RFC 3339.
pub(super) fn text_or_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Bson::deserialize(deserializer)? {
        Bson::String(text) => Ok(text),
        Bson::DateTime(date) => date.try_to_rfc3339_string().map_err(serde::de::Error::custom),
        _ => Err(serde::de::Error::custom("neither text nor a date")),
    }
}
