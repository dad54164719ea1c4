//! The report of a run.

use std::ops::Range;

use serde::{Deserialize, Serialize};
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
    #[serde(flatten)]
    pub(super) totals: Totals,
}

/// The sums of the comparisons in a period.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Totals {
    intents: i64,
    versions: i64,
    failed: i64,
    succeeded: i64,
    findings_count: i64,
    /// The first of the findings.
    findings: Vec<Finding>,
}

impl Report {
    /// A report of an empty period.
    pub(super) fn new(position: Timestamp) -> Self {
        let created_date = Timestamp::now();
        Self { from: position, to: position, created_date, totals: Totals::default() }
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
        let totals = &mut self.totals;
        totals.intents += count(intents);
        totals.versions += count(versions);
        totals.failed += count(failed);
        totals.succeeded += count(succeeded);
        totals.findings_count += count(findings.len());
        let room = FINDINGS_MAX - totals.findings.len();
        totals.findings.extend(findings.into_iter().take(room));
    }

    /// The ids of the records that it discloses.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.totals.findings.iter().filter_map(Finding::id).collect()
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
