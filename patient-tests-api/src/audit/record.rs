//! The audit records that this app sends.

use serde::de::IntoDeserializer;
use serde::de::value::Error as NotAWord;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::http::{Caller, Request};
use shared::telemetry::{TraceId, as_digits};
use shared::{Error, Version};

use super::search::AuditRecordSearch;
use crate::ids::{AuditRecordId, MedicalTestId, PatientId};

/// The name of this app in audit records.
pub(super) const SOURCE_SYSTEM: &str = "PatientTestsApi";

/// The key name of the reconciliation in audit records.
pub(crate) const RECONCILER: &str = "reconciler";

/// The type of patients in audit records.
pub(crate) const PATIENT: &str = "patient";

/// The type of tests in audit records.
pub(crate) const TEST: &str = "test";

/// The type of audit records in audit records.
pub(crate) const AUDIT_RECORD: &str = "auditRecord";

/// The type of access logs in audit records.
pub(crate) const ACCESS_LOG: &str = "accessLog";

/// The body of `CreateAuditRecord`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewAuditRecord<'a> {
    pub(super) source_system_name: &'static str,
    pub(super) resource: &'a Resource,
    pub(super) outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) relates_to: Option<AuditRecordId>,
    pub(super) actor: Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) purpose: Option<&'a str>,
    #[serde(serialize_with = "as_digits")]
    pub(super) trace_id: TraceId,
}

/// The resource, and the operation on it.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resource {
    r#type: &'static str,
    operation: Operation,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient_id: Option<PatientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disclosed: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
}

/// The operation on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Operation {
    Create,
    Read,
    Update,
    Delete,
    Search,
    Restore,
}

/// The outcome of an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome {
    /// A write is about to happen.
    Intended,
    Succeeded,
    NotFound,
    /// The record exists, but the caller may not see or change it like this.
    Refused,
    Failed,
    /// A write was not confirmed: it may have happened.
    Unknown,
}

/// The caller who asked for it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Actor {
    #[serde(skip_serializing_if = "Option::is_none")]
    key_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organisation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_address: Option<String>,
}

impl<'a> NewAuditRecord<'a> {
    pub(super) fn new(resource: &'a Resource, outcome: Outcome, request: &'a Request) -> Self {
        Self {
            source_system_name: SOURCE_SYSTEM,
            resource,
            outcome,
            relates_to: None,
            actor: Actor::from(request.caller()),
            purpose: request.purpose(),
            trace_id: request.trace.trace_id(),
        }
    }

    /// The record of the outcome of the interaction that `intent` announced.
    pub(super) fn concluding(self, intent: AuditRecordId) -> Self {
        Self { relates_to: Some(intent), ..self }
    }
}

impl Operation {
    /// The operation with this name in audit records.
    pub(super) fn parse(word: &str) -> Option<Self> {
        let word: serde::de::value::StrDeserializer<'_, NotAWord> = word.into_deserializer();
        Self::deserialize(word).ok()
    }
}

impl Outcome {
    /// The outcome of a read that failed with this error.
    pub(super) fn of_error(error: &Error) -> Self {
        match error {
            Error::NotFound => Self::NotFound,
            Error::Forbidden
            | Error::Deleted
            | Error::VersionMismatch { .. }
            | Error::Changing
            | Error::IdempotencyKeyReused => Self::Refused,
            Error::InvalidBody(_)
            | Error::InvalidRequest(_)
            | Error::InvalidQuery(_)
            | Error::InvalidJson { .. }
            | Error::UnknownFunction
            | Error::TooLarge
            | Error::UnsupportedMediaType(_)
            | Error::Throttled { .. }
            | Error::Unavailable { .. }
            | Error::Unhealthy
            | Error::Internal(_) => Self::Failed,
            Error::Unconfirmed { .. } => Self::Unknown,
        }
    }

    /// The outcome of a write that failed with this error.
    pub(super) fn of_failed_write(error: &Error) -> Self {
        match Self::of_error(error) {
            // The write was refused because there is nothing to change.
            Self::NotFound => Self::Refused,
            outcome => outcome,
        }
    }
}

impl Actor {
    /// The reconciliation, which acts for nobody.
    pub(super) fn reconciler() -> Self {
        Self {
            key_name: Some(RECONCILER.to_owned()),
            subscription_id: None,
            organisation: None,
            user_id: None,
            client_id: None,
            client_address: None,
        }
    }
}

impl Resource {
    /// One patient.
    pub(crate) fn patient(operation: Operation, id: PatientId) -> Self {
        Self { id: Some(id.to_string()), patient_id: Some(id), ..Self::of(PATIENT, operation) }
    }

    /// The patients that match the criteria of a search.
    pub(crate) fn patients_like(criteria: Value) -> Self {
        Self { query: Some(criteria), ..Self::of(PATIENT, Operation::Search) }
    }

    /// One test of a patient.
    pub(crate) fn test(operation: Operation, patient_id: PatientId, id: MedicalTestId) -> Self {
        Self { id: Some(id.to_string()), patient_id: Some(patient_id), ..Self::of(TEST, operation) }
    }

    /// The tests of a patient.
    pub(crate) fn tests_of(patient_id: PatientId) -> Self {
        Self { patient_id: Some(patient_id), ..Self::of(TEST, Operation::Read) }
    }

    /// The audit records that match the criteria of a search.
    pub(crate) fn audit_records_like(search: &AuditRecordSearch) -> Self {
        let query = serde_json::to_value(search).expect("serialising our own types cannot fail");
        Self {
            query: Some(query),
            patient_id: search.patient_id,
            ..Self::of(AUDIT_RECORD, Operation::Search)
        }
    }

    /// One audit record.
    pub(crate) fn audit_record(id: AuditRecordId) -> Self {
        Self { id: Some(id.to_string()), ..Self::of(AUDIT_RECORD, Operation::Read) }
    }

    /// The access log of a patient.
    pub(crate) fn access_log(patient_id: PatientId) -> Self {
        Self { patient_id: Some(patient_id), ..Self::of(ACCESS_LOG, Operation::Read) }
    }

    /// A report of the reconciliation.
    pub(crate) const fn reconciliation() -> Self {
        Self::of("reconciliation", Operation::Read)
    }

    /// Adds the identifiers in the path of a request.
    pub(crate) fn in_path_of(self, request: &Request) -> Self {
        let patient_id = request.id_param("patientId").ok();
        let id = match self.r#type {
            PATIENT => patient_id.map(|id| id.to_string()),
            TEST => request.id_param("testId").ok().map(|id: MedicalTestId| id.to_string()),
            AUDIT_RECORD => {
                request.id_param("auditRecordId").ok().map(|id: AuditRecordId| id.to_string())
            }
            _ => None,
        };
        Self { id, patient_id, ..self }
    }

    /// Adds the version that is read or restored.
    pub(crate) fn at(self, version: Version) -> Self {
        Self { version: Some(version), ..self }
    }

    /// Adds the identifiers of the disclosed records, and the version if it is one record.
    pub(super) fn disclose(&mut self, ids: Vec<String>, version: Option<Version>) {
        self.disclosed = Some(ids);
        self.version = self.version.or(version);
    }

    /// Something of this type.
    pub(crate) const fn of(r#type: &'static str, operation: Operation) -> Self {
        Self {
            r#type,
            operation,
            id: None,
            patient_id: None,
            disclosed: None,
            query: None,
            version: None,
        }
    }
}

impl From<Caller> for Actor {
    fn from(caller: Caller) -> Self {
        Self {
            key_name: caller.key_name,
            subscription_id: caller.subscription_id,
            organisation: caller.organisation,
            user_id: caller.user_id,
            client_id: caller.client_id,
            client_address: caller.client_address,
        }
    }
}
