//! Patients.

mod date_of_birth;
mod folded_name;
mod rules;
mod search;
mod store;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{Body, Id, Result, Timestamp, Version, validation};

use crate::ids::PatientId;

pub(crate) use date_of_birth::{DateOfBirth, is_calendar_day};
pub(crate) use search::PatientSearch;
pub(crate) use store::PatientStore;

/// A patient as stored.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Patient {
    pub(crate) id: PatientId,
    #[serde(flatten)]
    pub(crate) details: PatientDetails,
    pub(crate) last_updated: Timestamp,
    #[serde(skip)]
    pub(crate) version: Version,
}

/// The fields that clients set: the body of create and, in addition to `id`, of update.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PatientDetails {
    first_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    full_name: Option<String>,
    gender: Gender,
    date_of_birth: DateOfBirth,
    post_code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    insurance_number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preferred_contact_number: Option<String>,
}

/// Administrative gender, as in HL7 FHIR.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Gender {
    Male,
    Female,
    Other,
    Unknown,
}

impl Gender {
    /// Its word on the wire and in storage.
    const fn name(self) -> &'static str {
        match self {
            Self::Male => "male",
            Self::Female => "female",
            Self::Other => "other",
            Self::Unknown => "unknown",
        }
    }
}

impl Patient {
    /// The `OpenAPI` schema of a patient that the API returns.
    pub(crate) fn schema() -> Value {
        validation::describe(rules::returned)
    }
}

impl PatientDetails {
    /// The `OpenAPI` schema of the body of `CreatePatient`.
    pub(crate) fn schema_new() -> Value {
        validation::describe(rules::new_patient)
    }

    /// The `OpenAPI` schema of the body of `UpdatePatient`.
    pub(crate) fn schema_replacement() -> Value {
        validation::describe(|fields| rules::replacement(fields, Id::generate()))
    }

    /// Parses the body of `CreatePatient`, or lists all its errors.
    pub(crate) fn parse_new(body: Body<'_>) -> Result<Self> {
        validation::parse(body, rules::new_patient)
    }

    /// Parses the body of `UpdatePatient` for the patient `id`.
    pub(crate) fn parse_replacement(body: Body<'_>, id: PatientId) -> Result<Self> {
        validation::parse(body, |fields| rules::replacement(fields, id))
    }
}

/// Prints the type and the identifier alone: debug output ends up in logs.
impl std::fmt::Debug for Patient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Patient({})", self.id)
    }
}

/// Prints the type alone.
impl std::fmt::Debug for PatientDetails {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PatientDetails(…)")
    }
}
