//! Versions that do not follow from an announcement.

use serde::{Deserialize, Serialize};
use shared::{Id, Timestamp, Version};

use crate::audit::{AuditRecord, Operation, Subject};
use crate::ids::{AuditRecordId, PatientId};
use crate::versioned::WrittenVersion;

/// How far a version and its announcement can be apart: longer than any request takes, and than two
/// clocks differ.
const APART_MAX_MS: u64 = 5 * 60 * 1_000;

/// A stored version of a patient or test.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct StoredVersion {
    pub(super) resource_type: ResourceType,
    pub(super) written: WrittenVersion,
}

/// A version that was written past the app.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    resource_type: ResourceType,
    /// Absent, as all ids here, if the stored one is not a GUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    patient_id: Option<PatientId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
    /// The audit record that the version names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audit_record_id: Option<AuditRecordId>,
    problem: Problem,
}

/// The type of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum ResourceType {
    Patient,
    Test,
}

/// Why a version does not follow from an announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Problem {
    /// It names no audit record.
    NamesNoRecord,
    /// The register has no announcement with that id.
    NotAnnounced,
    /// The announcement is about another record, another operation or another time.
    AnnouncedOtherwise,
    /// Another version names the same announcement.
    AnnouncedOnce,
}

impl Problem {
    pub(super) const WORDS: [&'static str; 4] =
        ["namesNoRecord", "notAnnounced", "announcedOtherwise", "announcedOnce"];
}

impl StoredVersion {
    /// What is wrong with the announcement that it names, if anything.
    pub(super) fn problem_with(&self, record: &AuditRecord) -> Option<Problem> {
        let Some((subject, operation)) = record.announcement() else {
            return Some(Problem::NotAnnounced);
        };
        let WrittenVersion { version, deleted, last_updated, .. } = self.written;
        let is_that = match operation {
            Operation::Create => version == Some(Version::FIRST) && !deleted,
            Operation::Update | Operation::Restore => version > Some(Version::FIRST) && !deleted,
            Operation::Delete => deleted,
            Operation::Read | Operation::Search => false,
        };
        let is_then = is_about(record.created_date, last_updated);
        let fits = self.subject() == Some(subject) && is_that && is_then;
        (!fits).then_some(Problem::AnnouncedOtherwise)
    }

    /// The finding that this version has this problem.
    pub(super) fn finding(self, problem: Problem) -> Finding {
        let WrittenVersion { id, patient_id, version, audit_id, .. } = self.written;
        let resource_type = self.resource_type;
        Finding { resource_type, id, patient_id, version, audit_record_id: audit_id, problem }
    }

    fn subject(&self) -> Option<Subject> {
        let id = self.written.id.as_deref()?;
        Some(match self.resource_type {
            ResourceType::Patient => Subject::Patient(Id::parse(id)?),
            ResourceType::Test => Subject::MedicalTest(self.written.patient_id?, Id::parse(id)?),
        })
    }
}

impl Finding {
    /// The id of the record that it discloses.
    pub(super) fn id(&self) -> Option<String> {
        self.id.clone()
    }

    /// Reports it to the operators.
    pub(super) fn log(&self) {
        let Self { resource_type, id, patient_id, version, audit_record_id, problem } = self;
        tracing::error!(
            ?resource_type,
            id,
            patient_id = patient_id.map(tracing::field::display),
            version = version.map(Version::number),
            audit_record_id = audit_record_id.map(tracing::field::display),
            ?problem,
            "a version was written past the app"
        );
    }
}

fn is_about(announced: Timestamp, written: Timestamp) -> bool {
    announced.unix_ms().abs_diff(written.unix_ms()) <= APART_MAX_MS
}
