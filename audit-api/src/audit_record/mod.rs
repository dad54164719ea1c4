//! Audit records: who did what to which resource, with what outcome.

mod batch;
mod rules;
mod search;
mod store;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{Body, Id, Result, TimeKey, Timestamp, Version, validation};

pub(crate) use batch::{KeyedRecord, NewAuditRecords};
pub(crate) use search::AuditRecordSearch;
pub(crate) use store::AuditRecordStore;

/// The position of a record in the register.
pub(crate) type Position = TimeKey<AuditRecord>;

/// A record in the register.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditRecord {
    pub(crate) id: Id<AuditRecord>,
    #[serde(flatten)]
    pub(crate) content: NewAuditRecord,
    pub(crate) created_date: Timestamp,
}

/// An interaction that a system reports: the body of `CreateAuditRecord`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewAuditRecord {
    pub(crate) source_system_name: String,
    pub(crate) resource: Resource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<Outcome>,
    /// The earlier record of the interaction whose outcome this one reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) relates_to: Option<Id<AuditRecord>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<Actor>,
    /// The purpose for which the caller asked, as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) purpose: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace_id: Option<String>,
}

/// The resource, and the operation on it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resource {
    pub(crate) r#type: String,
    pub(crate) operation: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) patient_id: Option<String>,
    /// Identifiers of the records that were disclosed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disclosed: Option<Vec<String>>,
    /// The criteria of a search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<BTreeMap<String, String>>,
    /// The version that was read or restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<Version>,
}

/// The outcome of the interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome {
    Intended,
    Succeeded,
    NotFound,
    Refused,
    Failed,
    /// A write got no response: it may have happened.
    Unknown,
}

/// The caller who asked for it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Actor {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subscription_id: Option<String>,
    /// The organisation to which the subscription belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) organisation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<String>,
    /// The client application that the user uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_address: Option<String>,
}

impl NewAuditRecord {
    /// The `OpenAPI` schema of the body of `CreateAuditRecord`.
    pub(crate) fn schema() -> Value {
        validation::describe(rules::new_audit_record)
    }

    /// Parses the body, or lists all its errors.
    pub(crate) fn parse(body: Body<'_>) -> Result<Self> {
        validation::parse(body, rules::new_audit_record)
    }
}

impl AuditRecord {
    /// The `OpenAPI` schema of a record that the register returns.
    pub(crate) fn schema() -> Value {
        validation::describe(rules::returned)
    }

    /// Makes the record of an interaction, created now.
    pub(crate) fn register(id: Id<Self>, content: NewAuditRecord) -> Self {
        Self { id, content, created_date: Timestamp::now() }
    }

    /// Its position in the register.
    fn position(&self) -> Position {
        Position { time: self.created_date, id: self.id }
    }
}

/// Prints the type alone: search criteria are patient data.
impl std::fmt::Debug for NewAuditRecord {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("NewAuditRecord(…)")
    }
}
