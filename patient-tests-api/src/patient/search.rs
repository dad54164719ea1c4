//! The criteria of a search.

use serde::{Serialize, Serializer};
use serde_json::Value;
use shared::{Body, Result, validation};

use super::date_of_birth::Days;
use super::{Gender, rules};
use crate::ids::PatientId;

/// The criteria of a search. A patient must match all of them; without any, all patients match.
///
/// The serialised form goes to the audit register.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PatientSearch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<PatientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) full_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gender: Option<Gender>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) post_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) insurance_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) preferred_contact_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) date_of_birth_from: Option<DayCriterion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) date_of_birth_to: Option<DayCriterion>,
}

/// A bound of a range of days: the text as sent, and the days that it covers.
pub(super) struct DayCriterion {
    pub(super) text: String,
    pub(super) days: Days,
}

impl PatientSearch {
    /// The `OpenAPI` schema of the body of `SearchPatient`.
    pub(crate) fn schema() -> Value {
        validation::describe(rules::search)
    }

    /// Parses the body of `SearchPatient`, or lists all its errors.
    pub(crate) fn parse(body: Body<'_>) -> Result<Self> {
        validation::parse(body, rules::search)
    }

    /// The criteria for the audit register: an object of texts.
    pub(crate) fn to_query(&self) -> Value {
        serde_json::to_value(self).expect("serialising criteria cannot fail")
    }
}

impl Serialize for DayCriterion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
