//! The identifier types of the domain, in one module to avoid imports for an id alone.

use shared::Id;

/// Identifies a patient.
pub(crate) type PatientId = Id<PatientTag>;

/// Identifies a medical test.
pub(crate) type MedicalTestId = Id<MedicalTestTag>;

/// Identifies an audit record.
pub(crate) type AuditRecordId = Id<AuditRecordTag>;

/// Marks the ids of patients; it has no values.
#[derive(Clone)]
pub(crate) enum PatientTag {}

/// Marks the ids of medical tests; it has no values.
#[derive(Clone)]
pub(crate) enum MedicalTestTag {}

/// Marks the ids of audit records; it has no values.
pub(crate) enum AuditRecordTag {}
