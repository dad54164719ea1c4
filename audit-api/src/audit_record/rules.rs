//! What an audit record must look like.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::FieldError;
use shared::validation::{
    Fields, Form, Object, Rule, date_time, guid, list, named, one_of, text, text_like,
};

use super::{Actor, AuditRecord, NewAuditRecord, Outcome, Resource};

/// The longest name, identifier or other single text.
const TEXT_CHARS_MAX: usize = 256;

/// The most records that one page can hand out.
const DISCLOSED_MAX: usize = 1000;

/// The most criteria that a search can have, with room for later ones.
const CRITERIA_MAX: usize = 32;

/// The body of `CreateAuditRecord`.
pub(super) fn new_audit_record(fields: &mut Fields) -> NewAuditRecord {
    fields.refused("id");
    fields.refused("createdDate");
    content(fields)
}

/// A record as the register returns it.
pub(super) fn returned(fields: &mut Fields) {
    fields.required("id", guid::<AuditRecord>());
    fields.required("createdDate", date_time());
    content(fields);
}

fn content(fields: &mut Fields) -> NewAuditRecord {
    NewAuditRecord {
        source_system_name: fields.required("sourceSystemName", text(TEXT_CHARS_MAX)),
        resource: fields.required("resource", named("Resource", Object(resource))),
        outcome: fields.optional("outcome", outcome()),
        relates_to: fields.optional("relatesTo", guid()),
        actor: fields.optional("actor", named("Actor", Object(actor))),
        trace_id: fields.optional(
            "traceId",
            text_like(
                trace_id,
                Form::Pattern("^[0-9A-Fa-f]{32}$"),
                "must be 32 hexadecimal digits",
            ),
        ),
    }
}

fn resource(fields: &mut Fields) -> Resource {
    Resource {
        r#type: fields.required("type", text(TEXT_CHARS_MAX)),
        operation: fields.required("operation", text(TEXT_CHARS_MAX)),
        id: fields.optional("id", text(TEXT_CHARS_MAX)),
        patient_id: fields.optional("patientId", text(TEXT_CHARS_MAX)),
        disclosed: fields.optional("disclosed", list(DISCLOSED_MAX, text(TEXT_CHARS_MAX))),
        query: fields.optional("query", Criteria),
    }
}

fn actor(fields: &mut Fields) -> Actor {
    Actor {
        key_name: fields.optional("keyName", text(TEXT_CHARS_MAX)),
        subscription_id: fields.optional("subscriptionId", text(TEXT_CHARS_MAX)),
        user_id: fields.optional("userId", text(TEXT_CHARS_MAX)),
        client_address: fields.optional("clientAddress", text(TEXT_CHARS_MAX)),
    }
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
            ],
            "must be intended, succeeded, notFound, refused or failed",
        ),
    )
}

fn trace_id(text: &str) -> Option<String> {
    let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| text.to_ascii_lowercase())
}

/// Search criteria: this app does not know which there are, only that they are texts.
struct Criteria;

impl Rule for Criteria {
    type Output = BTreeMap<String, String>;

    fn read(&self, value: Value) -> Result<Self::Output, Vec<FieldError>> {
        let wrong = |detail: String| {
            Err(vec![FieldError { pointer: String::new(), detail: detail.into() }])
        };
        let Value::Object(object) = value else {
            return wrong("must be an object".to_owned());
        };
        if object.len() > CRITERIA_MAX {
            return wrong(format!("must have at most {CRITERIA_MAX} members"));
        }
        let criteria: Option<BTreeMap<_, _>> = object
            .into_iter()
            .map(|(name, value)| {
                let fits = name.chars().count() <= TEXT_CHARS_MAX;
                Some((name, text(TEXT_CHARS_MAX).read(value).ok().filter(|_| fits)?))
            })
            .collect();
        criteria.map_or_else(
            || wrong(format!("must have members of 1 to {TEXT_CHARS_MAX} characters")),
            Ok,
        )
    }

    fn schema(&self) -> Value {
        let criterion = text(TEXT_CHARS_MAX).schema();
        json!({"type": "object", "maxProperties": CRITERIA_MAX, "additionalProperties": criterion})
    }
}

#[cfg(test)]
mod tests {
    use shared::Error;

    use super::*;

    fn refused(body: Value) -> Vec<(String, String)> {
        match NewAuditRecord::parse(body) {
            Err(Error::InvalidBody(fields)) => {
                fields.into_iter().map(|field| (field.pointer, field.detail.into_owned())).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_four_fields_of_the_scaffold_are_enough() {
        let body = json!({
            "sourceSystemName": "Other",
            "resource": {"type": "patient", "id": "1", "operation": "find"}
        });

        assert_eq!(
            serde_json::to_value(NewAuditRecord::parse(body.clone()).unwrap()).unwrap(),
            body
        );
    }

    #[test]
    fn a_full_record_is_taken_as_it_is() {
        let body = json!({
            "sourceSystemName": "PatientTestsApi",
            "resource": {
                "type": "patient", "operation": "search", "disclosed": ["1", "2"],
                "query": {"firstName": "A"}, "patientId": "3"
            },
            "outcome": "notFound",
            "relatesTo": "0190a6b2-1111-7abc-8def-0123456789ab",
            "actor": {"keyName": "default", "subscriptionId": "s", "userId": "u", "clientAddress": "10.0.0.1"},
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736"
        });

        assert_eq!(
            serde_json::to_value(NewAuditRecord::parse(body.clone()).unwrap()).unwrap(),
            body
        );
    }

    #[test]
    fn every_wrong_field_is_named() {
        let pair = |pointer: &str, detail: &str| (pointer.to_owned(), detail.to_owned());

        assert_eq!(
            refused(json!({
                "id": "1",
                "createdDate": "2020-01-01T00:00:00Z",
                "resource": {"type": "", "disclosed": "all", "query": {"firstName": 1}, "more": true},
                "outcome": "perhaps",
                "relatesTo": "it",
                "actor": {"keyName": 1},
                "traceId": "xyz"
            })),
            [
                pair("/id", "is set by the server"),
                pair("/createdDate", "is set by the server"),
                pair("/sourceSystemName", "is required"),
                pair("/resource/type", "must be 1 to 256 characters long"),
                pair("/resource/operation", "is required"),
                pair("/resource/disclosed", "must be an array"),
                pair("/resource/query", "must have members of 1 to 256 characters"),
                pair("/resource/more", "is not a known field"),
                pair("/outcome", "must be intended, succeeded, notFound, refused or failed"),
                pair("/relatesTo", "must be a GUID"),
                pair("/actor/keyName", "must be text"),
                pair("/traceId", "must be 32 hexadecimal digits"),
            ]
        );
    }
}
