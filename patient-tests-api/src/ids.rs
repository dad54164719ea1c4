//! The identifiers of the domain, in one module, so that none imports another for an id alone.

use shared::Id;

/// Identifies a patient.
pub(crate) type PatientId = Id<PatientTag>;

/// Identifies a medical test.
pub(crate) type MedicalTestId = Id<MedicalTestTag>;

/// Identifies an audit record.
pub(crate) type AuditRecordId = Id<AuditRecordTag>;

/// Tells the ids of patients from others; it has no values.
pub(crate) enum PatientTag {}

/// Tells the ids of medical tests from others; it has no values.
pub(crate) enum MedicalTestTag {}

/// Tells the ids of audit records from others; it has no values.
pub(crate) enum AuditRecordTag {}
