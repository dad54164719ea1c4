//! The validation rules of audit records.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::http::IdempotencyKey;
use shared::validation::{
    Fields, LIST_ITEMS_MAX, Mistakes, Object, Rule, SchemaHint, TEXT_CHARS_MAX, date_time, guid,
    list, named, one_of, text, text_like, timestamp, trace_id, version,
};
use shared::{Id, Json};

use super::batch::{KeyedRecord, NewAuditRecords, RECORDS_MAX};
use super::{Actor, AuditRecord, AuditRecordSearch, NewAuditRecord, Outcome, Resource};

/// The most criteria of a search, with room for later ones.
const CRITERIA_MAX: usize = 32;

/// The longest period that is searched without a criterion that few records match, in milliseconds:
/// 31 days.
const PERIOD_MS_MAX: i64 = 31 * 24 * 60 * 60 * 1000;

/// The body of `CreateAuditRecord`.
pub(super) fn new_audit_record(fields: &mut Fields<'_>) -> Option<NewAuditRecord> {
    fields.refused("id");
    fields.refused("createdDate");
    content(fields)
}

/// The body of `CreateAuditRecords`.
pub(super) fn new_audit_records(fields: &mut Fields<'_>) -> Option<NewAuditRecords> {
    fields.required("records", Records).map(NewAuditRecords)
}

fn keyed_record(fields: &mut Fields<'_>) -> Option<KeyedRecord> {
    let key = text_like(
        IdempotencyKey::parse,
        SchemaHint::Pattern(IdempotencyKey::PATTERN),
        "must be 1 to 255 visible ASCII characters",
    );
    let idempotency_key = fields.required("idempotencyKey", key);
    let record = fields.required("record", named("NewAuditRecord", Object(new_audit_record)));
    Some(KeyedRecord { idempotency_key: idempotency_key?, record: record? })
}

/// A record as the register returns it.
pub(super) fn returned(fields: &mut Fields<'_>) {
    fields.required("id", guid::<AuditRecord>());
    fields.required("createdDate", date_time());
    content(fields);
}

/// The criteria of `SearchAuditRecords`.
pub(super) fn search(fields: &mut Fields<'_>) -> Option<AuditRecordSearch> {
    let bounds = AuditRecordSearch {
        patient_id: fields.optional("patientId", guid()),
        resource_id: fields.optional("resourceId", text(TEXT_CHARS_MAX)).map(as_stored),
        user_id: fields.optional("userId", text(TEXT_CHARS_MAX)),
        subscription_id: fields.optional("subscriptionId", text(TEXT_CHARS_MAX)),
        trace_id: fields.optional("traceId", trace_id()),
        relates_to: fields.optional("relatesTo", guid()),
        from: fields.optional("from", timestamp()),
        to: fields.optional("to", timestamp()),
        ..AuditRecordSearch::default()
    };
    check_bounds(fields, &bounds);
    Some(AuditRecordSearch {
        resource_type: fields.optional("resourceType", text(TEXT_CHARS_MAX)),
        operation: fields.optional("operation", text(TEXT_CHARS_MAX)),
        outcome: fields.optional("outcome", outcome()),
        organisation: fields.optional("organisation", text(TEXT_CHARS_MAX)),
        purpose: fields.optional("purpose", text(TEXT_CHARS_MAX)),
        ..bounds
    })
}

/// Adds an error if the period ends before it begins, or if the search would read the whole
/// register.
fn check_bounds(fields: &mut Fields<'_>, bounds: &AuditRecordSearch) {
    let period_ms = match (bounds.from, bounds.to) {
        (Some(from), Some(to)) => Some(to.unix_ms() - from.unix_ms()),
        (Some(_) | None, Some(_) | None) => None,
    };
    if period_ms.is_some_and(i64::is_negative) {
        fields.note_at("to", "must not be before from");
    }
    // A bound with an error is not missing.
    if bounds.is_selective() || !fields.are_good() {
        return;
    }
    match period_ms {
        Some(ms) if ms <= PERIOD_MS_MAX => {}
        Some(_) => fields.note_at("to", "must be at most 31 days after from"),
        None => fields.note(
            "must have patientId, resourceId, userId, subscriptionId, traceId or relatesTo, or from \
             and to",
        ),
    }
}

/// The identifier as our own systems send it to the register: GUIDs in lower case.
fn as_stored(id: String) -> String {
    Id::<()>::parse(&id).map_or(id, |guid| guid.to_string())
}

fn content(fields: &mut Fields<'_>) -> Option<NewAuditRecord> {
    let source_system_name = fields.required("sourceSystemName", text(TEXT_CHARS_MAX));
    let resource = fields.required("resource", named("Resource", Object(resource)));
    let outcome = fields.optional("outcome", outcome());
    let relates_to = fields.optional("relatesTo", guid());
    let actor = fields.optional("actor", named("Actor", Object(actor)));
    let purpose = fields.optional("purpose", text(TEXT_CHARS_MAX));
    let trace_id = fields.optional("traceId", trace_id());
    Some(NewAuditRecord {
        source_system_name: source_system_name?,
        resource: resource?,
        outcome,
        relates_to,
        actor,
        purpose,
        trace_id,
    })
}

fn resource(fields: &mut Fields<'_>) -> Option<Resource> {
    let r#type = fields.required("type", text(TEXT_CHARS_MAX));
    let operation = fields.required("operation", text(TEXT_CHARS_MAX));
    let id = fields.optional("id", text(TEXT_CHARS_MAX));
    let patient_id = fields.optional("patientId", text(TEXT_CHARS_MAX));
    let disclosed = fields.optional("disclosed", list(LIST_ITEMS_MAX, text(TEXT_CHARS_MAX)));
    let query = fields.optional("query", Criteria);
    let version = fields.optional("version", version());
    Some(Resource {
        r#type: r#type?,
        operation: operation?,
        id,
        patient_id,
        disclosed,
        query,
        version,
    })
}

fn actor(fields: &mut Fields<'_>) -> Option<Actor> {
    Some(Actor {
        key_name: fields.optional("keyName", text(TEXT_CHARS_MAX)),
        subscription_id: fields.optional("subscriptionId", text(TEXT_CHARS_MAX)),
        organisation: fields.optional("organisation", text(TEXT_CHARS_MAX)),
        user_id: fields.optional("userId", text(TEXT_CHARS_MAX)),
        client_id: fields.optional("clientId", text(TEXT_CHARS_MAX)),
        client_address: fields.optional("clientAddress", text(TEXT_CHARS_MAX)),
    })
}

fn outcome() -> impl Rule<Output = Outcome> {
    named(
        "Outcome",
        one_of(
            &[
                ("intended", Outcome::Intended),
                ("succeeded", Outcome::Succeeded),
                ("notFound", Outcome::NotFound),
                ("refused", Outcome::Refused),
                ("failed", Outcome::Failed),
                ("unknown", Outcome::Unknown),
            ],
            "must be intended, succeeded, notFound, refused, failed or unknown",
        ),
    )
}

/// Records of which each is read for itself: the errors of one are no errors of the list.
struct Records;

impl Rule for Records {
    type Output = Vec<Result<KeyedRecord, Mistakes>>;

    fn read(&self, value: Json<'_>, mistakes: &mut Mistakes) -> Option<Self::Output> {
        let items = match value {
            Json::Array(items) if (1..=RECORDS_MAX).contains(&items.len()) => items,
            _ => {
                mistakes.note(format!("must be an array of 1 to {RECORDS_MAX} items"));
                return None;
            }
        };
        let read = |item| {
            let mut mistakes = Mistakes::default();
            Object(keyed_record).read(item, &mut mistakes).ok_or(mistakes)
        };
        Some(items.into_iter().map(read).collect())
    }

    fn schema(&self) -> Value {
        let item = Object(keyed_record).schema();
        json!({"type": "array", "minItems": 1, "maxItems": RECORDS_MAX, "items": item})
    }
}

/// Search criteria: this app only knows that they are texts.
struct Criteria;

impl Rule for Criteria {
    type Output = BTreeMap<String, String>;

    fn read(&self, value: Json<'_>, mistakes: &mut Mistakes) -> Option<Self::Output> {
        let Json::Object(members) = value else {
            mistakes.note("must be an object");
            return None;
        };
        if members.len() > CRITERIA_MAX {
            mistakes.note(format!("must have at most {CRITERIA_MAX} members"));
            return None;
        }
        let criterion = text(TEXT_CHARS_MAX);
        let good_before = mistakes.len();
        let mut criteria = BTreeMap::new();
        for (name, value) in members {
            let before = mistakes.len();
            let value = criterion.read(value, mistakes);
            // Names are checked like texts; MongoDB cannot store all of them.
            let name_text = criterion.read(Json::Text(name.clone()), &mut Mistakes::default());
            if name_text.is_none() {
                mistakes.note("has a name that is not valid text");
            }
            mistakes.move_below(before, &name);
            if let (Some(name), Some(value)) = (name_text, value) {
                criteria.insert(name, value);
            }
        }
        (mistakes.len() == good_before).then_some(criteria)
    }

    fn schema(&self) -> Value {
        let criterion = text(TEXT_CHARS_MAX).schema();
        json!({"type": "object", "maxProperties": CRITERIA_MAX, "additionalProperties": criterion})
    }
}

#[cfg(test)]
mod tests {
    use shared::{Body, Error, Result};

    use super::*;

    fn parsed(body: &Value) -> Result<NewAuditRecord> {
        NewAuditRecord::parse(Body::read(&body.to_string())?)
    }

    fn refused(body: &Value) -> Vec<(String, String)> {
        match parsed(body) {
            Err(Error::InvalidBody(mistakes)) => mistakes
                .into_listed()
                .into_iter()
                .map(|mistake| (mistake.pointer, mistake.detail.into_owned()))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_four_fields_of_the_scaffold_are_enough() {
        let body = json!({
            "sourceSystemName": "Other",
            "resource": {"type": "patient", "id": "1", "operation": "find"}
        });

        assert_eq!(serde_json::to_value(parsed(&body).unwrap()).unwrap(), body);
    }

    #[test]
    fn a_full_record_is_taken_as_it_is() {
        let body = json!({
            "sourceSystemName": "PatientTestsApi",
            "resource": {
                "type": "patient", "operation": "search", "disclosed": ["1", "2"],
                "query": {"firstName": "A"}, "patientId": "3", "version": 2
            },
            "outcome": "notFound",
            "relatesTo": "0190a6b2-1111-7abc-8def-0123456789ab",
            "actor": {
                "keyName": "default", "subscriptionId": "s", "organisation": "o", "userId": "u",
                "clientId": "c", "clientAddress": "10.0.0.1"
            },
            "purpose": "TREAT",
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736"
        });

        assert_eq!(serde_json::to_value(parsed(&body).unwrap()).unwrap(), body);
    }

    #[test]
    fn every_wrong_field_is_named() {
        let pair = |pointer: &str, detail: &str| (pointer.to_owned(), detail.to_owned());

        assert_eq!(
            refused(&json!({
                "id": "1",
                "createdDate": "2020-01-01T00:00:00Z",
                "resource": {"type": "", "disclosed": "all", "query": {"firstName": 1}, "more": true},
                "outcome": "perhaps",
                "relatesTo": "it",
                "actor": {"keyName": 1, "organisation": "", "clientId": []},
                "purpose": " ",
                "traceId": "xyz"
            })),
            [
                pair("/id", "is set by the server"),
                pair("/createdDate", "is set by the server"),
                pair("/sourceSystemName", "is required"),
                pair("/resource/type", "must be 1 to 256 characters long"),
                pair("/resource/operation", "is required"),
                pair("/resource/disclosed", "must be an array"),
                pair("/resource/query/firstName", "must be text"),
                pair("/resource/more", "is not a known field"),
                pair(
                    "/outcome",
                    "must be intended, succeeded, notFound, refused, failed or unknown"
                ),
                pair("/relatesTo", "must be a GUID"),
                pair("/actor/keyName", "must be text"),
                pair("/actor/organisation", "must be 1 to 256 characters long"),
                pair("/actor/clientId", "must be text"),
                pair("/purpose", "must have a visible character"),
                pair("/traceId", "must be 32 hexadecimal digits"),
            ]
        );
    }

    #[test]
    fn criteria_have_names_that_can_be_stored() {
        for name in ["a\0b", "", " ", "\u{202e}a"] {
            let body = json!({
                "sourceSystemName": "Other",
                "resource": {"type": "patient", "operation": "search", "query": {name: "x"}}
            });
            let pointer = format!("/resource/query/{name}");
            assert_eq!(
                refused(&body),
                [(pointer, "has a name that is not valid text".to_owned())],
                "{name:?}"
            );
        }
    }
}
