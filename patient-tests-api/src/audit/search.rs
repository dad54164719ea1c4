//! The criteria of a search in the register.

use std::fmt::Display;

use serde::Serialize;
use serde_json::Value;
use shared::validation::{
    self, Fields, Rule, TEXT_CHARS_MAX, guid, named, one_of, text, timestamp, trace_id,
};
use shared::{Body, RequestHash, Result, TimeKey, Timestamp};

use super::record::Outcome;
use crate::ids::{AuditRecordId, AuditRecordTag, PatientId};

/// The longest period that is searched without a criterion that few records match, in milliseconds:
/// 31 days, as the register allows.
const PERIOD_MS_MAX: i64 = 31 * 24 * 60 * 60 * 1000;

/// The position of a record in the register.
pub(crate) type Position = TimeKey<AuditRecordTag>;

/// What ends the cursors of a search, so that no other search takes them.
pub(crate) struct CursorMark(String);

/// The criteria of a search, as the register takes them; a record must match all of them.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditRecordSearch {
    /// The patient that the record is about, or whose data was disclosed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) patient_id: Option<PatientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subscription_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) organisation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) purpose: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) relates_to: Option<AuditRecordId>,
    /// The first moment of the period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<Timestamp>,
    /// The first moment after the period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<Timestamp>,
}

impl AuditRecordSearch {
    /// The search for the records about a patient.
    pub(crate) fn about(patient_id: PatientId) -> Self {
        Self { patient_id: Some(patient_id), ..Self::default() }
    }

    /// The mark of its cursors.
    pub(crate) fn cursor_mark(&self) -> CursorMark {
        CursorMark(RequestHash::of(self).prefix().to_owned())
    }

    /// The `OpenAPI` schema of the body of `SearchAuditRecords`.
    pub(crate) fn schema() -> Value {
        validation::describe(search)
    }

    /// Parses the body of `SearchAuditRecords`, or lists all its errors.
    pub(crate) fn parse(body: Body<'_>) -> Result<Self> {
        validation::parse(body, search)
    }

    /// Whether it has a criterion that few records match, whatever the period.
    fn is_selective(&self) -> bool {
        self.patient_id.is_some()
            || self.resource_id.is_some()
            || self.user_id.is_some()
            || self.subscription_id.is_some()
            || self.trace_id.is_some()
            || self.relates_to.is_some()
    }
}

impl CursorMark {
    /// A regular expression for a mark after a cursor.
    pub(crate) const PATTERN: &str = r"\.[0-9a-f]{8}";

    /// The text of a cursor.
    pub(crate) fn mark(&self, cursor: &impl Display) -> String {
        format!("{cursor}.{}", self.0)
    }

    /// The text without its mark; `None` unless it has this one.
    pub(crate) fn unmarked<'a>(&self, text: &'a str) -> Option<&'a str> {
        text.strip_suffix(&self.0)?.strip_suffix('.')
    }
}

fn search(fields: &mut Fields<'_>) -> Option<AuditRecordSearch> {
    let bounds = AuditRecordSearch {
        patient_id: fields.optional("patientId", guid()),
        resource_id: fields.optional("resourceId", text(TEXT_CHARS_MAX)),
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
    let period_ms = bounds.from.zip(bounds.to).map(|(from, to)| to.unix_ms() - from.unix_ms());
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
