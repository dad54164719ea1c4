//! The criteria of a search.

use serde_json::Value;
use shared::{Body, Id, Result, Timestamp, validation};

use super::{AuditRecord, Outcome, rules};

/// Marks the ids of patients, of which this app knows nothing else; it has no values.
pub(crate) enum PatientTag {}

/// The criteria of a search. A record must match all of them.
///
/// They are bounded: they have a criterion that few records match, or a short period.
#[derive(Default)]
pub(crate) struct AuditRecordSearch {
    /// The patient that the record is about, or whose data was disclosed.
    pub(super) patient_id: Option<Id<PatientTag>>,
    pub(super) resource_type: Option<String>,
    pub(super) resource_id: Option<String>,
    pub(super) operation: Option<String>,
    pub(super) outcome: Option<Outcome>,
    pub(super) user_id: Option<String>,
    pub(super) subscription_id: Option<String>,
    pub(super) organisation: Option<String>,
    pub(super) purpose: Option<String>,
    pub(super) trace_id: Option<String>,
    pub(super) relates_to: Option<Id<AuditRecord>>,
    /// The first moment of the period.
    pub(super) from: Option<Timestamp>,
    /// The first moment after the period.
    pub(super) to: Option<Timestamp>,
}

impl AuditRecordSearch {
    /// The `OpenAPI` schema of the body of `SearchAuditRecords`.
    pub(crate) fn schema() -> Value {
        validation::describe(rules::search)
    }

    /// Parses the body of `SearchAuditRecords`, or lists all its errors.
    pub(crate) fn parse(body: Body<'_>) -> Result<Self> {
        validation::parse(body, rules::search)
    }

    /// Whether it has a criterion that few records match, whatever the period.
    pub(super) fn is_selective(&self) -> bool {
        self.patient_id.is_some()
            || self.resource_id.is_some()
            || self.user_id.is_some()
            || self.subscription_id.is_some()
            || self.trace_id.is_some()
            || self.relates_to.is_some()
    }
}
