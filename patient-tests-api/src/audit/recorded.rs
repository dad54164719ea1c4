//! Records as the register returns them, as far as reconciliation reads them.

use serde::{Deserialize, Serialize};
use shared::{Timestamp, Version};

use super::record::{Operation, Outcome, PATIENT, SOURCE_SYSTEM, TEST};
use crate::ids::{AuditRecordId, MedicalTestId, PatientId};

/// The criteria of a search; a record must match all of them.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Criteria {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) relates_to: Option<AuditRecordId>,
    /// The first moment of the period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<Timestamp>,
    /// The first moment after the period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<Timestamp>,
}

/// An audit record.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditRecord {
    pub(crate) id: AuditRecordId,
    pub(crate) created_date: Timestamp,
    pub(super) source_system_name: String,
    pub(super) resource: RecordedResource,
    pub(super) outcome: Option<Outcome>,
    pub(super) relates_to: Option<AuditRecordId>,
    pub(super) trace_id: Option<String>,
}

/// The resource of a record, and the operation on it. Other systems have other types, operations and
/// ids.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordedResource {
    r#type: String,
    operation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
}

/// What this app has announced to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Patient(PatientId),
    MedicalTest(PatientId, MedicalTestId),
}

impl AuditRecord {
    /// The record that this app announced to change, and how; `None` if it is not such a record.
    pub(crate) fn announcement(&self) -> Option<(Subject, Operation)> {
        let RecordedResource { r#type, operation, id, patient_id, .. } = &self.resource;
        if self.source_system_name != SOURCE_SYSTEM || self.outcome != Some(Outcome::Intended) {
            return None;
        }
        let id = id.as_deref()?;
        let subject = match r#type.as_str() {
            PATIENT => Subject::Patient(PatientId::parse(id)?),
            TEST => Subject::MedicalTest(
                PatientId::parse(patient_id.as_deref()?)?,
                MedicalTestId::parse(id)?,
            ),
            _ => return None,
        };
        Some((subject, Operation::parse(operation)?))
    }
}
