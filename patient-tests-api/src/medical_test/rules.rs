//! What a medical test must look like.

use shared::Id;
use shared::validation::{
    DATE_CHARS_MAX, Fields, LIST_ITEMS_MAX, Object, Rule, SchemaHint, TEXT_CHARS_MAX, date_time,
    guid, list, moment, named, text, text_like, text_with_lines,
};

use super::{MedicalTestDetails, Observation};
use crate::ids::{MedicalTestId, MedicalTestTag, PatientId, PatientTag};
use crate::patient::is_calendar_day;

const MEASUREMENT_CHARS_MAX: usize = 4096;
const OBSERVATIONS_MAX: usize = LIST_ITEMS_MAX;

/// Dates and date-times of which clients can make the types of their languages: no leap seconds.
const ISSUED_PATTERN: &str = concat!(
    "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
    "([Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?",
    "([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))?$"
);

/// The body of `CreateTest`.
pub(super) fn new_test(
    fields: &mut Fields<'_>,
    patient_id: PatientId,
) -> Option<MedicalTestDetails> {
    fields.refused("id");
    fields.refused("lastUpdated");
    fields.refused("createdDate");
    details(fields, patient_id)
}

/// The body of `UpdateTest`: what was loaded, changed, and sent back.
pub(super) fn replacement(
    fields: &mut Fields<'_>,
    patient_id: PatientId,
    id: MedicalTestId,
) -> Option<MedicalTestDetails> {
    fields.required("id", exactly(id, "must be the id in the path"));
    fields.ignored("lastUpdated", &date_time());
    fields.refused("createdDate");
    details(fields, patient_id)
}

fn details(fields: &mut Fields<'_>, patient_id: PatientId) -> Option<MedicalTestDetails> {
    fields.optional("patientId", exactly(patient_id, "must be the patient's id in the path"));
    findings(fields)
}

/// A test as the API returns it.
pub(super) fn returned(fields: &mut Fields<'_>) {
    fields.required("id", guid::<MedicalTestTag>());
    fields.required("patientId", guid::<PatientTag>());
    fields.required("lastUpdated", date_time());
    findings(fields);
}

fn findings(fields: &mut Fields<'_>) -> Option<MedicalTestDetails> {
    let performer = fields.required("performer", text(TEXT_CHARS_MAX));
    let order_reference = fields.required("orderReference", text(TEXT_CHARS_MAX));
    let observation = named("Observation", Object(observation));
    let observations = fields.required("observations", list(OBSERVATIONS_MAX, observation));
    Some(MedicalTestDetails {
        performer: performer?,
        order_reference: order_reference?,
        observations: observations?,
    })
}

fn observation(fields: &mut Fields<'_>) -> Option<Observation> {
    let id = fields.required("id", text(TEXT_CHARS_MAX));
    let code = fields.required("code", text(TEXT_CHARS_MAX));
    let measurement = fields.optional("measurement", text_with_lines(MEASUREMENT_CHARS_MAX));
    let interpretation = fields.optional("interpretation", text(TEXT_CHARS_MAX));
    let status = fields.required("status", text(TEXT_CHARS_MAX));
    let issued = fields.required("issued", issued());
    Some(Observation {
        id: id?,
        code: code?,
        measurement,
        interpretation,
        status: status?,
        issued: issued?,
    })
}

/// When a finding was issued, kept as it was sent: laboratories often know the day alone.
fn issued() -> impl Rule<Output = String> {
    let is_known = |text: &str| is_calendar_day(text) || moment(text).is_some();
    text_like(
        move |text| is_known(text).then(|| text.to_owned()),
        SchemaHint::PatternWithin(ISSUED_PATTERN, DATE_CHARS_MAX),
        "must be a calendar date, YYYY-MM-DD, or an RFC 3339 date-time",
    )
}

fn exactly<T>(id: Id<T>, expectation: &'static str) -> impl Rule<Output = Id<T>> {
    text_like(
        move |text| Id::parse(text).filter(|sent| *sent == id),
        SchemaHint::Format("uuid"),
        expectation,
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use shared::validation::Mistakes;
    use shared::{Body, Error, Json, Result};

    use super::*;

    fn patient_id() -> PatientId {
        Id::parse("0190a6b2-1111-7abc-8def-0123456789ab").unwrap()
    }

    fn observation_json() -> Value {
        json!({
            "id": "1", "code": "4548-4", "measurement": "5.4", "interpretation": "normal",
            "status": "final", "issued": "2020-05-14T15:14:15.1200+02:00"
        })
    }

    fn parsed(body: &Value) -> Result<MedicalTestDetails> {
        MedicalTestDetails::parse_new(Body::read(&body.to_string())?, patient_id())
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
    fn a_test_is_kept_as_it_was_sent() {
        let body = json!({
            "performer": "Lab", "orderReference": "O-1", "observations": [observation_json()]
        });
        let details = parsed(&body).unwrap();

        assert_eq!(serde_json::to_value(&details).unwrap(), body);
    }

    #[test]
    fn the_patients_id_may_be_repeated_in_any_letter_case() {
        let body = json!({
            "performer": "Lab", "orderReference": "O-1", "observations": [],
            "patientId": "0190A6B2-1111-7ABC-8DEF-0123456789AB"
        });

        assert!(parsed(&body).is_ok());
    }

    #[test]
    fn every_wrong_field_of_every_observation_is_named() {
        let pair = |pointer: &str, detail: &str| (pointer.to_owned(), detail.to_owned());
        let mut undated = observation_json();
        undated["issued"] = json!("2020-02-30T00:00:00Z");
        undated["measurement"] = json!("x".repeat(4097));

        assert_eq!(
            refused(&json!({
                "patientId": "0190a6b2-1111-7abc-8def-000000000000",
                "performer": "x".repeat(257),
                "observations": [observation_json(), undated, {"id": "3"}]
            })),
            [
                pair("/patientId", "must be the patient's id in the path"),
                pair("/performer", "must be 1 to 256 characters long"),
                pair("/orderReference", "is required"),
                pair("/observations/1/measurement", "must be 1 to 4096 characters long"),
                pair(
                    "/observations/1/issued",
                    "must be a calendar date, YYYY-MM-DD, or an RFC 3339 date-time",
                ),
                pair("/observations/2/code", "is required"),
                pair("/observations/2/status", "is required"),
                pair("/observations/2/issued", "is required"),
            ]
        );
    }

    #[test]
    fn a_thousand_observations_are_the_most() {
        let body = |count: usize| json!({"performer": "L", "orderReference": "O", "observations": vec![observation_json(); count]});

        assert!(parsed(&body(1000)).is_ok());
        assert_eq!(refused(&body(1001))[0].1, "must have at most 1000 items");
    }

    #[test]
    fn a_finding_may_lack_what_laboratories_leave_out() {
        let observation =
            json!({"id": "1", "code": "4548-4", "status": "final", "issued": "2020-05-14"});
        let body =
            json!({"performer": "Lab", "orderReference": "O-1", "observations": [observation]});

        assert_eq!(serde_json::to_value(parsed(&body).unwrap()).unwrap(), body);
    }

    #[test]
    fn dates_of_issue_are_days_or_moments_that_everybody_can_read() {
        let with_date = |issued: &str| {
            let mut observation = observation_json();
            observation["issued"] = json!(issued);
            json!({"performer": "L", "orderReference": "O", "observations": [observation]})
        };
        for issued in [
            "2020-02-29",
            "0001-01-01",
            "2020-05-14T15:14:15Z",
            "2020-05-14T23:59:59.123456789+13:45",
        ] {
            assert!(parsed(&with_date(issued)).is_ok(), "{issued}");
        }
        let long = format!("2020-05-14T15:14:15.{}Z", "1".repeat(44));
        for issued in [
            "2020",
            "2020-05",
            "2021-02-29",
            "0000-01-01",
            "2020-05-14T15:14:15",
            "2016-12-31T23:59:60Z",
            "0000-01-01T00:00:00Z",
            "2020-05-14T15:14Z",
            &long,
        ] {
            assert_eq!(refused(&with_date(issued)).len(), 1, "{issued}");
        }
    }

    #[test]
    fn only_a_measurement_may_have_lines() {
        let with = |field: &str| {
            let mut observation = observation_json();
            observation[field] = json!("a\tb\r\nc");
            json!({"performer": "L", "orderReference": "O", "observations": [observation]})
        };

        assert!(parsed(&with("measurement")).is_ok());
        for field in ["id", "code", "interpretation", "status"] {
            assert_eq!(refused(&with(field)).len(), 1, "{field}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_date_of_issue_or_not(text in ".*") {
            let _ = issued().read(Json::Text(text.into()), &mut Mistakes::default());
        }
    }
}
