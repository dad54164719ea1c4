//! What a patient must look like.

use shared::Id;
use shared::validation::{
    DATE_CHARS_MAX, Fields, Rule, SchemaHint, TEXT_CHARS_MAX, date_time, guid, named, one_of, text,
    text_like, text_of_exactly,
};

use super::date_of_birth::{DateOfBirth, Days};
use super::search::DayCriterion;
use super::{Gender, PatientDetails, PatientSearch};
use crate::ids::{PatientId, PatientTag};

const NAME_CHARS_MAX: usize = 64;
const FULL_NAME_CHARS_MAX: usize = 128;
const NUMBER_CHARS_MAX: usize = 64;
const POST_CODE_CHARS: usize = 4;

/// What a search asks for is noted in the audit register, which takes no longer texts than these.
const _: () = assert!(
    NAME_CHARS_MAX <= TEXT_CHARS_MAX
        && FULL_NAME_CHARS_MAX <= TEXT_CHARS_MAX
        && NUMBER_CHARS_MAX <= TEXT_CHARS_MAX
        && DATE_CHARS_MAX <= TEXT_CHARS_MAX
);

/// The body of `CreatePatient`.
pub(super) fn new_patient(fields: &mut Fields<'_>) -> Option<PatientDetails> {
    fields.refused("id");
    fields.refused("lastUpdated");
    fields.refused("createdDate");
    details(fields)
}

/// A patient as the API returns it.
pub(super) fn returned(fields: &mut Fields<'_>) {
    fields.required("id", guid::<PatientTag>());
    fields.required("lastUpdated", date_time());
    details(fields);
}

/// The body of `UpdatePatient`: what was loaded, changed, and sent back.
pub(super) fn replacement(fields: &mut Fields<'_>, id: PatientId) -> Option<PatientDetails> {
    fields.required(
        "id",
        text_like(
            |text| Id::parse(text).filter(|sent: &PatientId| *sent == id),
            SchemaHint::Format("uuid"),
            "must be the id in the path",
        ),
    );
    fields.ignored("lastUpdated", &date_time());
    fields.refused("createdDate");
    details(fields)
}

/// The criteria of `SearchPatient`.
pub(super) fn search(fields: &mut Fields<'_>) -> Option<PatientSearch> {
    Some(PatientSearch {
        id: fields.optional("id", guid()),
        first_name: fields.optional("firstName", text(NAME_CHARS_MAX)),
        last_name: fields.optional("lastName", text(NAME_CHARS_MAX)),
        full_name: fields.optional("fullName", text(FULL_NAME_CHARS_MAX)),
        gender: fields.optional("gender", gender()),
        post_code: fields.optional("postCode", text_of_exactly(POST_CODE_CHARS)),
        insurance_number: fields.optional("insuranceNumber", text(NUMBER_CHARS_MAX)),
        preferred_contact_number: fields.optional("preferredContactNumber", text(NUMBER_CHARS_MAX)),
        date_of_birth_from: fields.optional("dateOfBirthFrom", day()),
        date_of_birth_to: fields.optional("dateOfBirthTo", day()),
    })
}

fn details(fields: &mut Fields<'_>) -> Option<PatientDetails> {
    let first_name = fields.required("firstName", text(NAME_CHARS_MAX));
    let last_name = fields.optional("lastName", text(NAME_CHARS_MAX));
    let full_name = fields.optional("fullName", text(FULL_NAME_CHARS_MAX));
    let gender = fields.required("gender", gender());
    let date_of_birth = fields.required("dateOfBirth", date_of_birth());
    let post_code = fields.required("postCode", text_of_exactly(POST_CODE_CHARS));
    let insurance_number = fields.optional("insuranceNumber", text(NUMBER_CHARS_MAX));
    let preferred_contact_number =
        fields.optional("preferredContactNumber", text(NUMBER_CHARS_MAX));
    Some(PatientDetails {
        first_name: first_name?,
        last_name,
        full_name,
        gender: gender?,
        date_of_birth: date_of_birth?,
        post_code: post_code?,
        insurance_number,
        preferred_contact_number,
    })
}

fn date_of_birth() -> impl Rule<Output = DateOfBirth> {
    text_like(
        DateOfBirth::parse,
        SchemaHint::Pattern("^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"),
        "must be a calendar date, YYYY, YYYY-MM or YYYY-MM-DD, and not in the future",
    )
}

fn gender() -> impl Rule<Output = Gender> {
    named(
        "Gender",
        one_of(
            &[
                ("male", Gender::Male),
                ("female", Gender::Female),
                ("other", Gender::Other),
                ("unknown", Gender::Unknown),
            ],
            "must be male, female, other or unknown",
        ),
    )
}

fn day() -> impl Rule<Output = DayCriterion> {
    text_like(
        |text| Some(DayCriterion { days: Days::of_criterion(text)?, text: text.to_owned() }),
        SchemaHint::Pattern("^[0-9]{4}(-[0-9]{2}(-[0-9]{2}([Tt].{1,53})?)?)?$"),
        "must be a calendar date, YYYY, YYYY-MM or YYYY-MM-DD, or an RFC 3339 date-time",
    )
}
