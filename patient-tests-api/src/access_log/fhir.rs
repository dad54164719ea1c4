//! The access log in FHIR R4, for authorities: a `Bundle` of `AuditEvent`s.
//!
//! An event follows the pattern of IHE's Basic Audit Log Patterns (BALP 1.1.3) for its kind of
//! interaction. BALP demands more than the log may tell: what is withheld has the extension
//! `data-absent-reason`.

use serde_json::{Value, json};

use super::access::{Access, Action, What};
use crate::audit::Outcome;
use crate::ids::{AuditRecordId, PatientId};

/// FHIR as JSON (HL7 FHIR R4, section 2.6.1).
pub(crate) const FHIR: &str = "application/fhir+json";

const PROFILES: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";
const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const ENTITY_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";

/// Types of agents, with their code systems.
const APPLICATION: (&str, &str) = (DICOM, "110150");
const DESTINATION: (&str, &str) = (DICOM, "110152");
const SOURCE: (&str, &str) = (DICOM, "110153");
const CUSTODIAN: (&str, &str) =
    ("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "custodian");
const RECIPIENT: (&str, &str) = (PARTICIPATION, "IRCP");
const AUTHOR: (&str, &str) = (PARTICIPATION, "AUT");

/// The name of this API where an event names its agents.
const SERVER: &str = "Patient records";

/// How BALP describes a kind of interaction.
struct Pattern {
    profile: &'static str,
    /// The interaction, in the terms of REST.
    interaction: &'static str,
    action: &'static str,
    client: (&'static str, &'static str),
    server: (&'static str, &'static str),
    user: (&'static str, &'static str),
}

/// The `OpenAPI` schema of a page.
pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["resourceType", "type", "link"],
        "properties": {
            "resourceType": {"type": "string", "enum": ["Bundle"]},
            "type": {"type": "string", "enum": ["searchset"]},
            "link": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["relation", "url"],
                    "properties": {"relation": {"type": "string"}, "url": {"type": "string"}}
                }
            },
            "entry": {
                "type": "array",
                "description": "AuditEvents that follow the patterns of IHE BALP 1.1.3.",
                "items": {
                    "type": "object",
                    "required": ["fullUrl", "resource"],
                    "properties": {
                        "fullUrl": {"type": "string"},
                        "resource": {"type": "object"},
                        "search": {"type": "object"}
                    }
                }
            }
        }
    })
}

/// A page of the log; both queries are relative to its URL.
pub(super) fn bundle(entries: Vec<Value>, this_page: &str, next_page: Option<&str>) -> Value {
    let mut links = vec![json!({"relation": "self", "url": format!("?{this_page}")})];
    links.extend(next_page.map(|query| json!({"relation": "next", "url": format!("?{query}")})));
    let mut bundle = json!({"resourceType": "Bundle", "type": "searchset", "link": links});
    // FHIR allows no empty lists.
    if !entries.is_empty() {
        bundle["entry"] = entries.into();
    }
    bundle
}

/// The entry of one line. Its URL is always the same and does not tell the audit record's id.
pub(super) fn entry(patient_id: PatientId, record_id: AuditRecordId, line: &Access) -> Value {
    let id = record_id.derive::<Access>("FHIR AuditEvent");
    json!({
        "fullUrl": format!("urn:uuid:{id}"),
        "resource": audit_event(patient_id, line),
        "search": {"mode": "match"}
    })
}

fn audit_event(patient_id: PatientId, line: &Access) -> Value {
    let pattern = Pattern::of(line.action);
    let (outcome, outcome_text) = outcome(line.outcome);
    // There is no FHIR server that could resolve a literal reference.
    let patient = json!({
        "type": "Patient",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": format!("urn:uuid:{patient_id}")}
    });
    let mut event = json!({
        "resourceType": "AuditEvent",
        "type": coding("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest"),
        "subtype": [coding("http://hl7.org/fhir/restful-interaction", pattern.interaction)],
        "action": pattern.action,
        "recorded": line.when,
        "outcome": outcome,
        "agent": agents(&pattern, line),
        "source": {
            "observer": {"display": SERVER},
            "type": [coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4")]
        },
        "entity": [
            {
                "what": patient,
                "type": coding(ENTITY_TYPE, "1"),
                "role": coding(ENTITY_ROLE, "1")
            },
            object(line, &patient)
        ]
    });
    if let Some(purpose) = &line.purpose {
        let system = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
        event["purposeOfEvent"] = json!([{"coding": [coding(system, purpose)]}]);
    }
    match outcome_text {
        Some(text) => event["outcomeDesc"] = json!(text),
        // The patterns are those of successes.
        None => event["meta"] = json!({"profile": [format!("{PROFILES}{}", pattern.profile)]}),
    }
    event
}

impl Pattern {
    fn of(action: Action) -> Self {
        let (profile, interaction, code) = match action {
            Action::Read => ("PatientRead", "read", "R"),
            Action::Found => ("PatientQuery", "search", "E"),
            Action::Created => ("PatientCreate", "create", "C"),
            Action::Changed | Action::Restored => ("PatientUpdate", "update", "U"),
            Action::Deleted => ("PatientDelete", "delete", "D"),
        };
        let (client, server) = match action {
            Action::Read => (DESTINATION, SOURCE),
            Action::Deleted => (APPLICATION, CUSTODIAN),
            // In DICOM's sense, the criteria of a search flow to the server.
            Action::Found | Action::Created | Action::Changed | Action::Restored => {
                (SOURCE, DESTINATION)
            }
        };
        let user = match action {
            Action::Read | Action::Found => RECIPIENT,
            Action::Created | Action::Changed | Action::Deleted | Action::Restored => AUTHOR,
        };
        Self { profile, interaction, action: code, client, server, user }
    }
}

/// The client, this server and, if the log may name one, the person.
fn agents(pattern: &Pattern, line: &Access) -> Vec<Value> {
    let who = match &line.organisation {
        Some(organisation) => json!({"display": organisation}),
        None => absent("unknown"),
    };
    let mut agents = vec![
        machine(pattern.client, who, line.person.is_none()),
        machine(pattern.server, json!({"display": SERVER}), false),
    ];
    if let Some(person) = &line.person {
        agents.push(agent(pattern.user, json!({"display": person}), true));
    }
    agents
}

/// An agent that has a network, which the log does not tell.
fn machine(kind: (&str, &str), who: Value, requestor: bool) -> Value {
    let mut machine = agent(kind, who, requestor);
    machine["network"] = absent("masked");
    machine
}

fn agent((system, code): (&str, &str), who: Value, requestor: bool) -> Value {
    json!({"type": {"coding": [coding(system, code)]}, "who": who, "requestor": requestor})
}

/// What the interaction was about: the query of a search, else the records.
fn object(line: &Access, patient: &Value) -> Value {
    let role = match (line.action, line.what) {
        (Action::Found, _) => "24",
        (_, What::Patient) => "4",
        (_, What::TestResults) => "3",
    };
    let mut object = json!({"type": coding(ENTITY_TYPE, "2"), "role": coding(ENTITY_ROLE, role)});
    if matches!(line.action, Action::Found) {
        object["_query"] = absent("masked");
        return object;
    }
    object["what"] = match line.what {
        What::Patient => patient.clone(),
        What::TestResults => json!({"display": What::TestResults}),
    };
    // A change is one record; its pattern allows no details.
    if matches!(line.action, Action::Read) {
        object["detail"] = json!([{"type": "count", "valueString": line.count.to_string()}]);
    }
    object
}

/// The code of an outcome, and its name unless it is a success.
fn outcome(outcome: Outcome) -> (&'static str, Option<Outcome>) {
    match outcome {
        Outcome::Intended | Outcome::Succeeded => ("0", None),
        Outcome::NotFound | Outcome::Refused => ("4", Some(outcome)),
        Outcome::Failed | Outcome::Unknown => ("8", Some(outcome)),
    }
}

fn coding(system: &str, code: &str) -> Value {
    json!({"system": system, "code": code})
}

/// A mandatory element without its value, for this reason.
fn absent(reason: &str) -> Value {
    json!({"extension": [{"url": ABSENT, "valueCode": reason}]})
}
