//! The bodies about versions: which one to restore, and the list of versions.

use serde_json::{Value, json};
use shared::validation::{self, Fields, Rule, version};
use shared::{Body, Result, Version};

use super::VersionSummary;

/// The body of `RestorePatient` and `RestoreTest`.
pub(crate) struct Restoration;

impl Restoration {
    /// The `OpenAPI` schema of the body.
    pub(crate) fn schema() -> Value {
        validation::describe(restoration)
    }

    /// Parses the body: the version to be restored.
    pub(crate) fn parse(body: Body<'_>) -> Result<Version> {
        validation::parse(body, restoration)
    }
}

fn restoration(fields: &mut Fields<'_>) -> Option<Version> {
    fields.required("version", version())
}

impl VersionSummary {
    /// The `OpenAPI` schema of an item in the list of versions.
    pub(crate) fn schema() -> Value {
        json!({
            "type": "object",
            "required": ["version", "lastUpdated", "operation", "deleted"],
            "properties": {
                "version": version().schema(),
                "lastUpdated": {"type": "string", "format": "date-time"},
                "operation": {
                    "type": "string", "enum": ["create", "update", "delete", "restore"]
                },
                "deleted": {"type": "boolean"},
                "auditRecordId": {
                    "type": "string", "format": "uuid",
                    "description": "The audit record that announced the change, if there is one."
                }
            }
        })
    }
}
