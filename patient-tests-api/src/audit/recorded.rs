//! Records as the register returns them, as far as reconciliation reads them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::{Timestamp, Version};

use super::record::{Operation, Outcome, PATIENT, SOURCE_SYSTEM, TEST};
use crate::ids::{AuditRecordId, MedicalTestId, PatientId};

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

/// The `OpenAPI` schema of a record that the register returns, whoever sent it.
pub(crate) fn schema() -> Value {
    let text = json!({"type": "string"});
    let id = json!({"type": "string", "format": "uuid"});
    json!({
        "type": "object",
        "required": ["id", "createdDate", "sourceSystemName", "resource"],
        "properties": {
            "id": id,
            "createdDate": {"type": "string", "format": "date-time"},
            "sourceSystemName": text,
            "resource": {
                "type": "object",
                "required": ["type", "operation"],
                "properties": {
                    "type": text,
                    "operation": text,
                    "id": text,
                    "patientId": text,
                    "disclosed": {"type": "array", "items": text},
                    "query": {"type": "object", "additionalProperties": text},
                    "version": {"type": "integer", "minimum": 1}
                }
            },
            "outcome": {"$ref": "#/components/schemas/Outcome"},
            "relatesTo": id,
            "actor": {
                "type": "object",
                "properties": {
                    "keyName": text,
                    "subscriptionId": text,
                    "organisation": text,
                    "userId": text,
                    "clientId": text,
                    "clientAddress": text
                }
            },
            "purpose": text,
            "traceId": text
        }
    })
}
