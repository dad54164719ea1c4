//! Medical tests as documents.

use std::ops::Range;
use std::sync::Arc;

use mongodb::bson::{Bson, doc};
use serde::{Deserialize, Deserializer, Serialize};
use shared::mongo::{CollectionPlan, Database, Insertion};
use shared::page::{Page, PageRequest};
use shared::{Deadline, Preconditions, RequestHash, Result, Timestamp, Version};

use super::{MedicalTest, MedicalTestDetails};
use crate::audit::Intent;
use crate::ids::{AuditRecordId, MedicalTestId, MedicalTestTag, PatientId};
use crate::versioned::{
    self, Change, Changed, PreparedChange, VersionedCollection, VersionedDocument, WrittenVersion,
};

/// The approximate largest size of a test as JSON: nearly that of the largest body, so that the
/// first fetched portion fills a page of such tests.
const TEST_BYTES_MAX: usize = 1_000_000;

/// The stored medical tests; those of a patient share a shard key.
pub(crate) struct MedicalTestStore {
    collection: VersionedCollection<MedicalTestTag, MedicalTestContent>,
}

/// A change of a test that can be written.
pub(crate) struct PreparedMedicalTestChange(PreparedChange<MedicalTestTag, MedicalTestContent>);

type MedicalTestDocument = VersionedDocument<MedicalTestTag, MedicalTestContent>;

#[derive(Clone, PartialEq, Serialize, Deserialize)]
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
        // A patient's tests in page order; by time, for reconciliation.
        indexes: &[&["_shardKey", "_id"], &["lastUpdated"]],
    };

    pub(crate) const HISTORY: CollectionPlan = CollectionPlan {
        name: "testVersions",
        shard_key: "_shardKey",
        indexes: versioned::HISTORY_INDEXES,
    };

    pub(crate) fn new(database: &Arc<Database>) -> Self {
        let (name, history_name) = (Self::COLLECTION.name, Self::HISTORY.name);
        Self { collection: VersionedCollection::new(database, name, history_name) }
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
        Ok(self.collection.insert(document, intent, deadline).await?.map(MedicalTest::from))
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

    /// One page of a patient's tests.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn find_page(
        &self,
        patient_id: PatientId,
        page: &PageRequest<MedicalTestId>,
        deadline: Deadline,
    ) -> Result<Page<MedicalTestId>> {
        let filter = doc! { "_shardKey": patient_id.to_string() };
        self.collection.find_page::<MedicalTest>(filter, page, TEST_BYTES_MAX, deadline).await
    }

    /// An earlier or the current version of a test.
    ///
    /// # Errors
    /// [`shared::Error::NotFound`], [`shared::Error::Deleted`] for a deletion; throttled or
    /// unavailable.
    pub(crate) async fn find_version(
        &self,
        patient_id: PatientId,
        id: MedicalTestId,
        version: Version,
        deadline: Deadline,
    ) -> Result<MedicalTest> {
        let found = self.collection.find_version(id, patient_id, version, deadline).await?;
        Ok(found.unless_deleted()?.into())
    }

    /// One page of a test's versions, newest first.
    ///
    /// # Errors
    /// [`shared::Error::NotFound`]; throttled or unavailable.
    pub(crate) async fn find_versions(
        &self,
        patient_id: PatientId,
        id: MedicalTestId,
        page: &PageRequest<Version>,
        deadline: Deadline,
    ) -> Result<Page<Version>> {
        self.collection.find_versions(id, patient_id, page, deadline).await
    }

    /// The versions of tests that were written in a period, current or not.
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

    /// Whether a version of a test names this announcement.
    ///
    /// # Errors
    /// Throttled or unavailable.
    pub(crate) async fn has_version_of(
        &self,
        patient_id: PatientId,
        id: MedicalTestId,
        announcement: AuditRecordId,
        deadline: Deadline,
    ) -> Result<bool> {
        self.collection.has_version_of(id, patient_id, announcement, deadline).await
    }

    /// Prepares the replacement of a test's details.
    ///
    /// # Errors
    /// [`shared::Error::NotFound`], [`shared::Error::Deleted`],
    /// [`shared::Error::VersionMismatch`]; throttled or unavailable.
    pub(crate) async fn prepare_replacement(
        &self,
        patient_id: PatientId,
        id: MedicalTestId,
        details: MedicalTestDetails,
        preconditions: Preconditions,
        deadline: Deadline,
    ) -> Result<PreparedMedicalTestChange> {
        let content = MedicalTestContent { patient_id, details };
        let change = Change::replace(content, preconditions);
        let prepared = self.collection.prepare(id, patient_id, change, deadline);
        prepared.await.map(PreparedMedicalTestChange)
    }

    /// Prepares the deletion of a test; repeating a deletion has no effect.
    ///
    /// # Errors
    /// [`shared::Error::NotFound`], [`shared::Error::VersionMismatch`]; throttled or unavailable.
    pub(crate) async fn prepare_deletion(
        &self,
        patient_id: PatientId,
        id: MedicalTestId,
        preconditions: Preconditions,
        deadline: Deadline,
    ) -> Result<PreparedMedicalTestChange> {
        let prepared =
            self.collection.prepare(id, patient_id, Change::delete(preconditions), deadline);
        prepared.await.map(PreparedMedicalTestChange)
    }

    /// Prepares to make the details of an earlier version current, also after a deletion.
    ///
    /// # Errors
    /// [`shared::Error::NotFound`], [`shared::Error::Deleted`] if the version is a deletion,
    /// [`shared::Error::VersionMismatch`]; throttled or unavailable.
    pub(crate) async fn prepare_restore(
        &self,
        patient_id: PatientId,
        id: MedicalTestId,
        version: Version,
        preconditions: Preconditions,
        deadline: Deadline,
    ) -> Result<PreparedMedicalTestChange> {
        let as_it_is = |content| content;
        let prepared = self.collection.prepare_restore(
            id,
            patient_id,
            version,
            as_it_is,
            preconditions,
            deadline,
        );
        prepared.await.map(PreparedMedicalTestChange)
    }

    /// Writes a prepared change.
    ///
    /// # Errors
    /// [`shared::Error::Deleted`], [`shared::Error::VersionMismatch`],
    /// [`shared::Error::Changing`]; [`shared::Error::Unconfirmed`], throttled or unavailable.
    pub(crate) async fn write(
        &self,
        PreparedMedicalTestChange(prepared): PreparedMedicalTestChange,
        intent: &Intent,
        deadline: Deadline,
    ) -> Result<Changed<MedicalTest>> {
        Ok(self.collection.write(prepared, intent, deadline).await?.map(MedicalTest::from))
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
