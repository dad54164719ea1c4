//! The report of a run.

use std::ops::Range;

use serde::Serialize;
use serde_json::{Value, json};
use shared::Timestamp;
use shared::validation::{Rule, version};

use super::finding::{Finding, Problem};
use super::window::Comparison;

/// The most findings that a report lists, so that it fits a document of Cosmos DB.
const FINDINGS_MAX: usize = 1_000;

/// What was compared in a period, and what was found.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) created_date: Timestamp,
    pub(super) intents: i64,
    pub(super) versions: i64,
    pub(super) failed: i64,
    pub(super) succeeded: i64,
    pub(super) findings_count: i64,
    /// The first of the findings.
    pub(super) findings: Vec<Finding>,
}

impl Report {
    /// A report of an empty period.
    pub(super) fn new(position: Timestamp) -> Self {
        Self {
            from: position,
            to: position,
            created_date: Timestamp::now(),
            intents: 0,
            versions: 0,
            failed: 0,
            succeeded: 0,
            findings_count: 0,
            findings: Vec::new(),
        }
    }

    /// The end of the period, where the next report begins.
    pub(super) fn to(&self) -> Timestamp {
        self.to
    }

    /// Adds what was found in the next part of the period.
    pub(super) fn add(&mut self, period: &Range<Timestamp>, comparison: Comparison) {
        let Comparison { intents, versions, failed, succeeded, findings } = comparison;
        self.to = period.end;
        self.created_date = Timestamp::now();
        self.intents += count(intents);
        self.versions += count(versions);
        self.failed += count(failed);
        self.succeeded += count(succeeded);
        self.findings_count += count(findings.len());
        let room = FINDINGS_MAX - self.findings.len();
        self.findings.extend(findings.into_iter().take(room));
    }

    /// The ids of the records that it discloses.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.findings.iter().filter_map(Finding::id).collect()
    }

    /// The `OpenAPI` schema.
    pub(crate) fn schema() -> Value {
        let moment = json!({"type": "string", "format": "date-time"});
        let number = json!({"type": "integer", "minimum": 0});
        let id = json!({"type": "string", "format": "uuid"});
        let mut findings = number.clone();
        findings["description"] = json!("The number of findings; a thousand are listed.");
        json!({
            "type": "object",
            "required": [
                "from", "to", "createdDate", "intents", "versions", "failed", "succeeded",
                "findingsCount", "findings"
            ],
            "properties": {
                "from": moment,
                "to": moment,
                "createdDate": moment,
                "intents": number,
                "versions": number,
                "failed": number,
                "succeeded": number,
                "findingsCount": findings,
                "findings": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["resourceType", "problem"],
                        "properties": {
                            "resourceType": {"type": "string", "enum": ["patient", "test"]},
                            "id": id,
                            "patientId": id,
                            "version": version().schema(),
                            "auditRecordId": id,
                            "problem": {"type": "string", "enum": Problem::WORDS}
                        }
                    }
                }
            }
        })
    }
}

fn count(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
