//! Validation rules for bodies, one line per field.
//!
//! A body is a function that reads its [`Fields`] in order. Each error is added with its JSON
//! pointer and reading continues, so that the caller gets all errors at once. The body is built
//! only if there were none.
//!
//! [`describe`] runs the same function to make a schema: each field adds its name and its rule's
//! schema, and nothing is read.

mod characters;
mod fields;
mod mistakes;
mod named;
mod structure;
mod text;
mod version;

use serde_json::Value;

use crate::json::{Body, Json};
use crate::{Error, Result};

pub(crate) use characters::{is_allowed, is_visible};
pub use fields::Fields;
pub(crate) use mistakes::LISTED_MAX;
pub use mistakes::Mistakes;
pub use named::{Named, named};
pub use structure::{List, Object, describe, list};
pub use text::{
    OneOf, SchemaHint, Text, TextLike, date_time, guid, moment, one_of, text, text_like,
    text_of_exactly, text_with_lines, timestamp, trace_id,
};
pub use version::{VersionRule, version};

/// The longest name, identifier or other short text. The audit register must accept each text of
/// the other app, so both share this limit.
pub const TEXT_CHARS_MAX: usize = 256;

/// The longest date or date-time: room for an offset and for more digits of a second than any clock
/// has.
pub const DATE_CHARS_MAX: usize = 64;

/// The most items of a list, and of a page.
pub const LIST_ITEMS_MAX: usize = 1000;

/// A rule for the value of a field.
pub trait Rule {
    /// The parsed value.
    type Output;

    /// Parses a value. Returns `None` after adding its errors, with pointers relative to the value.
    fn read(&self, value: Json<'_>, mistakes: &mut Mistakes) -> Option<Self::Output>;

    /// The rule as an `OpenAPI` 3.0 schema.
    fn schema(&self) -> Value;
}

/// Parses a whole body: an object with these fields and no others.
///
/// # Errors
/// [`Error::InvalidBody`] with all errors, up to a hundred.
pub fn parse<T>(body: Body<'_>, read: impl Fn(&mut Fields<'_>) -> Option<T>) -> Result<T> {
    let Body { value, repeated: mut mistakes } = body;
    match Object(read).read(value, &mut mistakes) {
        Some(parsed) if mistakes.is_empty() => Ok(parsed),
        Some(_) | None => Err(Error::InvalidBody(mistakes)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq)]
    struct Parcel {
        label: String,
        note: Option<String>,
        codes: Vec<String>,
    }

    fn parcel(fields: &mut Fields<'_>) -> Option<Parcel> {
        fields.refused("id");
        fields.ignored("lastUpdated", &date_time());
        let label = fields.required("label", text(5));
        let note = fields.optional("note", text(5));
        let code = Object(|code: &mut Fields<'_>| code.required("code", text_of_exactly(4)));
        let codes = fields.required("codes", list(2, code));
        Some(Parcel { label: label?, note, codes: codes? })
    }

    fn read(body: &str) -> Result<Parcel> {
        parse(Body::read(body)?, parcel)
    }

    fn mistakes_in(body: &str) -> Vec<(String, String)> {
        match read(body) {
            Err(Error::InvalidBody(mistakes)) => mistakes
                .into_listed()
                .into_iter()
                .map(|mistake| (mistake.pointer, mistake.detail.into_owned()))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    fn mistakes(body: Value) -> Vec<(String, String)> {
        mistakes_in(&body.to_string())
    }

    fn pair(pointer: &str, detail: &str) -> (String, String) {
        (pointer.to_owned(), detail.to_owned())
    }

    #[test]
    fn a_good_body_is_read() {
        let body =
            json!({"label": "größe", "note": null, "codes": [{"code": "1234"}], "lastUpdated": 1});

        assert_eq!(
            read(&body.to_string()).unwrap(),
            Parcel { label: "größe".to_owned(), note: None, codes: vec!["1234".to_owned()] }
        );
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        assert_eq!(
            mistakes(json!({
                "id": "1", "note": "", "codes": [{"code": "1234"}, {"code": "123", "x/y~z": 1}], "more": 1
            })),
            [
                pair("/id", "is set by the server"),
                pair("/label", "is required"),
                pair("/note", "must be 1 to 5 characters long"),
                pair("/codes/1/code", "must be exactly 4 characters long"),
                pair("/codes/1/x~1y~0z", "is not a known field"),
                pair("/more", "is not a known field"),
            ]
        );
    }

    #[test]
    fn values_of_the_wrong_type_are_refused() {
        assert_eq!(
            mistakes(json!({"label": 5, "note": {}, "codes": {}})),
            [
                pair("/label", "must be text"),
                pair("/note", "must be text"),
                pair("/codes", "must be an array"),
            ]
        );
        assert_eq!(mistakes(json!([])), [pair("", "must be an object")]);
        assert_eq!(
            mistakes(json!({"label": "a", "codes": [1, 2, 3]})),
            [pair("/codes", "must have at most 2 items")]
        );
    }

    #[test]
    fn the_same_declaration_describes_the_body() {
        let text = json!({"type": "string", "minLength": 1, "maxLength": 5});
        let code = json!({"type": "string", "minLength": 4, "maxLength": 4});

        assert_eq!(
            describe(parcel),
            json!({
                "type": "object",
                "additionalProperties": false,
                "required": ["label", "codes"],
                "properties": {
                    "lastUpdated": {
                        "type": "string", "format": "date-time",
                        "description": "accepted and ignored"
                    },
                    "label": text,
                    "note": {"type": "string", "minLength": 1, "maxLength": 5, "nullable": true},
                    "codes": {"type": "array", "maxItems": 2, "items": {
                        "type": "object", "additionalProperties": false,
                        "required": ["code"], "properties": {"code": code}
                    }}
                }
            })
        );
    }

    #[test]
    fn what_is_ignored_may_be_anything_that_was_read() {
        let with = |ignored: &str| {
            read(&format!(r#"{{"label": "a", "codes": [], "lastUpdated": {ignored}}}"#))
        };
        let members = |count: usize| {
            let members: Vec<_> = (0..count).map(|number| format!("\"{number}\":1")).collect();
            format!("{{{}}}", members.join(","))
        };

        for ignored in ["\"2020-01-01T00:00:00Z\"", "1", "null", "[{\"a\": []}]", &members(127)] {
            assert!(with(ignored).is_ok(), "{ignored}");
        }
        let long = format!("[{}1]", "1,".repeat(1001));
        for ignored in [members(128), format!("[{}]", members(200)), long] {
            assert!(matches!(with(&ignored), Err(Error::InvalidBody(_))), "{ignored}");
        }
    }

    #[test]
    fn null_is_absent() {
        assert_eq!(mistakes(json!({"label": null, "codes": []})), [pair("/label", "is required")]);
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        let with_label =
            |label: &str| read(&json!({"label": label, "codes": []}).to_string()).is_ok();

        assert!(with_label("ééééé"));
        assert!(with_label("🧪🧪🧪🧪🧪"));
        assert!(!with_label("éééééé"));
        assert!(!with_label(""));
    }

    proptest! {
        #[test]
        fn text_is_measured_in_scalar_values(text_value in "[a-zé🧪]{0,9}", max in 1usize..8) {
            let chars = text_value.chars().count();
            let read = text(max).read(Json::Text(text_value.into()), &mut Mistakes::default());

            prop_assert_eq!(read.is_some(), (1..=max).contains(&chars));
        }
    }
}
