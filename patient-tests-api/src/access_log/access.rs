//! A line of the access log, and the audit record that makes it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::Timestamp;

use super::Cursor;
use crate::audit::{Outcome, PATIENT, Position, RECONCILER, TEST};
use crate::ids::AuditRecordId;

/// The words of operations, and what they did.
const OPERATIONS: [(&str, Action); 7] = [
    ("read", Action::Read),
    // The scaffold's word.
    ("find", Action::Read),
    ("search", Action::Found),
    ("create", Action::Created),
    ("update", Action::Changed),
    ("delete", Action::Deleted),
    ("restore", Action::Restored),
];

/// A line of the access log.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Access {
    pub(super) when: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) organisation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) person: Option<String>,
    pub(super) action: Action,
    pub(super) what: What,
    pub(super) count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) purpose: Option<String>,
    pub(super) outcome: Outcome,
}

/// What was done, in words.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Action {
    Read,
    #[serde(rename = "found in a search")]
    Found,
    Created,
    Changed,
    Deleted,
    Restored,
}

/// With which kind of data.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) enum What {
    #[serde(rename = "patient")]
    Patient,
    #[serde(rename = "test results")]
    TestResults,
}

/// An audit record, as far as a line shows it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoggedRecord {
    pub(super) id: AuditRecordId,
    created_date: Timestamp,
    resource: LoggedResource,
    /// The scaffold's records have none; they were written after the interaction.
    outcome: Option<Outcome>,
    relates_to: Option<AuditRecordId>,
    #[serde(default)]
    actor: LoggedActor,
    purpose: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoggedResource {
    r#type: String,
    operation: String,
    disclosed: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LoggedActor {
    key_name: Option<String>,
    organisation: Option<String>,
    user_id: Option<String>,
}

/// What a record tells.
enum Effect {
    /// Data was disclosed: how many records of the patient.
    Disclosed(usize),
    /// Data was changed, or may have been.
    Changed,
    /// Nothing.
    None,
}

/// Turns audit records into lines.
pub(super) struct Reader {
    pub(super) patient_id: String,
    pub(super) names_persons: bool,
    pub(super) attempts: bool,
}

impl Access {
    /// The `OpenAPI` schema.
    pub(crate) fn schema() -> Value {
        use Action::{Changed, Created, Deleted, Found, Read, Restored};
        json!({
            "type": "object",
            "required": ["when", "action", "what", "count", "outcome"],
            "properties": {
                "when": {"type": "string", "format": "date-time"},
                "organisation": {"type": "string"},
                "person": {"type": "string"},
                "action": {"type": "string", "enum": [Read, Found, Created, Changed, Deleted, Restored]},
                "what": {"type": "string", "enum": [What::Patient, What::TestResults]},
                "count": {
                    "type": "integer", "minimum": 0,
                    "description": "How many records of the patient were disclosed or changed."
                },
                "purpose": {"type": "string"},
                "outcome": {"$ref": "#/components/schemas/Outcome"}
            }
        })
    }
}

impl Reader {
    /// The line of a record, if it makes one; moves the cursor behind the record.
    pub(super) fn read(&self, record: &LoggedRecord, cursor: &mut Cursor) -> Option<Access> {
        cursor.after = Some(Position { time: record.created_date, id: record.id });
        let outcome = record.outcome.unwrap_or(Outcome::Succeeded);
        let is_first = match (outcome, record.relates_to) {
            (Outcome::Intended, _) => !cursor.take_announcement(record.id),
            (_, Some(announcement)) => cursor.await_announcement(announcement),
            (_, None) => true,
        };
        let (action, what) = (record.action()?, record.what()?);
        if !is_first {
            return None;
        }
        let (action, count) = match self.effect(record, outcome) {
            // A request that changed nothing disclosed what was there.
            Effect::Disclosed(count) if record.relates_to.is_some() => (Action::Read, count),
            Effect::Disclosed(count) => (action, count),
            Effect::Changed => (action, 1),
            Effect::None if self.attempts => (action, 0),
            Effect::None => return None,
        };
        Some(Access {
            when: record.created_date,
            organisation: record.actor.organisation.clone(),
            person: record.actor.user_id.clone().filter(|_| self.names_persons),
            action,
            what,
            count,
            purpose: record.purpose.clone(),
            outcome: match outcome {
                // No end says otherwise.
                Outcome::Intended => Outcome::Succeeded,
                outcome => outcome,
            },
        })
    }

    fn effect(&self, record: &LoggedRecord, outcome: Outcome) -> Effect {
        let is_settled = record.actor.key_name.as_deref() == Some(RECONCILER);
        match outcome {
            Outcome::Intended | Outcome::Unknown => Effect::Changed,
            Outcome::Succeeded if is_settled => Effect::Changed,
            Outcome::Succeeded => match record.disclosed_of(&self.patient_id) {
                0 => Effect::None,
                count => Effect::Disclosed(count),
            },
            Outcome::NotFound | Outcome::Refused | Outcome::Failed => Effect::None,
        }
    }
}

impl LoggedRecord {
    fn action(&self) -> Option<Action> {
        let operation = self.resource.operation.as_str();
        OPERATIONS.iter().find(|(word, _)| *word == operation).map(|(_, action)| *action)
    }

    /// What kind of data it is about; `None` if it is no patient data, such as the access log.
    fn what(&self) -> Option<What> {
        match self.resource.r#type.as_str() {
            PATIENT => Some(What::Patient),
            TEST => Some(What::TestResults),
            _ => None,
        }
    }

    /// How many records of a patient were disclosed.
    fn disclosed_of(&self, patient_id: &str) -> usize {
        match &self.resource.disclosed {
            // The scaffold did not say which.
            None => 1,
            Some(ids) if self.resource.r#type == PATIENT => {
                usize::from(ids.iter().any(|id| id == patient_id))
            }
            Some(ids) => ids.len(),
        }
    }
}
