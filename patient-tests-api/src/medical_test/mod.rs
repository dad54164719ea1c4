//! Medical tests: laboratory results of a patient. On the wire they are called tests.

mod rules;
mod store;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{Body, Id, Result, Timestamp, Version, validation};

use crate::ids::{MedicalTestId, PatientId};

pub(crate) use store::MedicalTestStore;

/// A medical test as stored.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MedicalTest {
    pub(crate) id: MedicalTestId,
    pub(crate) patient_id: PatientId,
    #[serde(flatten)]
    pub(crate) details: MedicalTestDetails,
    pub(crate) last_updated: Timestamp,
    #[serde(skip)]
    pub(crate) version: Version,
}

/// The fields that clients set: the body of create and, in addition to the ids, of update.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MedicalTestDetails {
    performer: String,
    order_reference: String,
    observations: Vec<Observation>,
}

/// One observation of a test.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Observation {
    id: String,
    code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    measurement: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interpretation: Option<String>,
    status: String,
    /// A day or an RFC 3339 date-time; the text is kept as sent.
    #[serde(deserialize_with = "store::text_or_date")]
    issued: String,
}

impl MedicalTest {
    /// The `OpenAPI` schema of a test that the API returns.
    pub(crate) fn schema() -> Value {
        validation::describe(rules::returned)
    }
}

impl MedicalTestDetails {
    /// The `OpenAPI` schema of the body of `CreateTest`.
    pub(crate) fn schema_new() -> Value {
        validation::describe(|fields| rules::new_test(fields, Id::generate()))
    }

    /// The `OpenAPI` schema of the body of `UpdateTest`.
    pub(crate) fn schema_replacement() -> Value {
        validation::describe(|fields| rules::replacement(fields, Id::generate(), Id::generate()))
    }

    /// Parses the body of `CreateTest` for a patient, or lists all its errors.
    pub(crate) fn parse_new(body: Body<'_>, patient_id: PatientId) -> Result<Self> {
        validation::parse(body, |fields| rules::new_test(fields, patient_id))
    }

    /// Parses the body of `UpdateTest` for the test `id` of a patient.
    pub(crate) fn parse_replacement(
        body: Body<'_>,
        patient_id: PatientId,
        id: MedicalTestId,
    ) -> Result<Self> {
        validation::parse(body, |fields| rules::replacement(fields, patient_id, id))
    }
}

/// Prints the type and the identifiers alone: debug output ends up in logs.
impl std::fmt::Debug for MedicalTest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "MedicalTest({} of patient {})", self.id, self.patient_id)
    }
}

/// Prints the type alone.
impl std::fmt::Debug for MedicalTestDetails {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("MedicalTestDetails(…)")
    }
}
