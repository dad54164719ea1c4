//! Several records in one request.

use serde_json::Value;
use shared::http::IdempotencyKey;
use shared::validation::{self, Mistakes};
use shared::{Body, Result};

use super::{NewAuditRecord, rules};

/// The most records of a request: with a hundred, the work of a request and of a command is a small
/// part of that of their records.
pub(super) const RECORDS_MAX: usize = 100;

/// A record, and the key under which it is created once.
pub(crate) struct KeyedRecord {
    pub(crate) idempotency_key: IdempotencyKey,
    pub(crate) record: NewAuditRecord,
}

/// The body of `CreateAuditRecords`: 1 to 100 records, each read for itself.
pub(crate) struct NewAuditRecords(pub(crate) Vec<std::result::Result<KeyedRecord, Mistakes>>);

impl NewAuditRecords {
    /// The `OpenAPI` schema of the body.
    pub(crate) fn schema() -> Value {
        validation::describe(rules::new_audit_records)
    }

    /// Parses the body, or lists the errors of the list as a whole.
    pub(crate) fn parse(body: Body<'_>) -> Result<Self> {
        validation::parse(body, rules::new_audit_records)
    }
}
