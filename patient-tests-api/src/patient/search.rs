//! What a search asks for.

use serde::{Serialize, Serializer};
use serde_json::Value;
use shared::{Body, Result, validation};

use super::date_of_birth::Days;
use super::{Gender, rules};
use crate::ids::PatientId;

/// The criteria of a search; all of them must hold, and without any, everyone matches.
///
/// Serialised, these are the criteria as the audit register notes them.
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

/// An end of a range of days, as it was given and as it is meant.
pub(super) struct DayCriterion {
    pub(super) text: String,
    pub(super) days: Days,
}

impl PatientSearch {
    /// The `OpenAPI` schema of the body of `SearchPatient`.
    pub(crate) fn schema() -> Value {
        validation::describe(rules::search)
    }

    /// Reads the body of `SearchPatient`, or names everything that is wrong with it.
    pub(crate) fn parse(body: Body<'_>) -> Result<Self> {
        validation::parse(body, rules::search)
    }

    /// The criteria as the audit register notes them: an object of texts.
    pub(crate) fn to_query(&self) -> Value {
        serde_json::to_value(self).expect("criteria have text keys")
    }
}

impl Serialize for DayCriterion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
