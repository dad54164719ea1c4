//! A strict, single-pass JSON parser for request bodies.
//!
//! Refuses ambiguous data: repeated member names (RFC 7493, section 2.3), deep nesting, numbers out
//! of range. It keeps no more of any body than a valid one can have, so refusing costs no more than
//! accepting.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::validation::{LIST_ITEMS_MAX, Mistakes};
use crate::{Error, Result};

/// The deepest nesting of objects and arrays.
const LEVELS_MAX: usize = 32;

/// The most members kept per object. No body has nearly as many fields, so the unknown ones among
/// them fill the list of errors.
const MEMBERS_MAX: usize = 128;

/// The most items kept per array: enough to detect a list that is too long.
const ITEMS_MAX: usize = LIST_ITEMS_MAX + 1;

/// The most values in a body: a full list of objects with seven fields has some 7,000.
const VALUES_MAX: usize = 8192;

/// The replacement character. The Functions host puts it in place of bytes that are not UTF-8
/// before we see the body (`docs/functions-host.md`).
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// A body that is valid JSON; [`validation::parse`](crate::validation::parse) checks its contents.
pub struct Body<'a> {
    pub(crate) value: Json<'a>,
    /// Members that occur more than once.
    pub(crate) repeated: Mistakes,
}

/// A JSON value.
pub enum Json<'a> {
    /// `null`.
    Null,
    /// A whole number.
    Integer(i64),
    /// `true`, `false` or another number; no field accepts them.
    Other,
    /// A text.
    Text(Cow<'a, str>),
    /// An array, cut short if it is longer than any list can be.
    Array(Vec<Json<'a>>),
    /// An object, in the order of the text, cut short if it has too many members.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl Json<'_> {
    /// Whether all of it was kept.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Self::Null | Self::Integer(_) | Self::Other | Self::Text(_) => true,
            Self::Array(items) => items.len() < ITEMS_MAX && items.iter().all(Self::is_whole),
            Self::Object(members) => {
                members.len() < MEMBERS_MAX && members.iter().all(|(_, value)| value.is_whole())
            }
        }
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Integer(_) | Self::Other | Self::Array(_) | Self::Object(_) => None,
        }
    }
}

impl<'a> Body<'a> {
    /// Parses a body.
    ///
    /// # Errors
    /// [`Error::InvalidJson`]; [`Error::InvalidRequest`] for text that is not UTF-8, nesting over
    /// 32 levels, numbers out of range, or thousands of values.
    pub fn read(text: &'a str) -> Result<Self> {
        if text.contains(REPLACEMENT) {
            return Err(Error::InvalidRequest(
                "The body has bytes that are not UTF-8, or the character U+FFFD, which stands for \
                 such bytes (if it is meant, write it as \\ufffd).",
            ));
        }
        let mut reader = Reader::default();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = ValueOf(&mut reader)
            .deserialize(&mut deserializer)
            .and_then(|value| deserializer.end().map(|()| value))
            .map_err(|error| reader.fault.take().unwrap_or_else(|| not_json(&error)))?;
        Ok(Self { value, repeated: reader.repeated })
    }
}

/// Prints the type alone: bodies are personal data, and debug output ends up in logs.
impl fmt::Debug for Body<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Body(…)")
    }
}

fn not_json(error: &serde_json::Error) -> Error {
    // `serde_json` has no error kind for this; a test checks the wording.
    if error.to_string().starts_with("number out of range") {
        return Error::InvalidRequest("The body has a number that is out of range.");
    }
    Error::InvalidJson { line: error.line(), column: error.column() }
}

/// The state of the parser.
#[derive(Default)]
struct Reader {
    levels: usize,
    values: usize,
    repeated: Mistakes,
    /// Why parsing stopped, if the text was valid JSON up to there.
    fault: Option<Error>,
}

/// Parses one value.
struct ValueOf<'r>(&'r mut Reader);

/// A member's name; copied only if it contains escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl Reader {
    fn stop<E: serde::de::Error>(&mut self, why: &'static str) -> E {
        self.fault = Some(Error::InvalidRequest(why));
        E::custom("")
    }

    fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.levels += 1;
        if self.levels > LEVELS_MAX {
            return Err(self.stop("The body is nested more than 32 levels deep."));
        }
        Ok(())
    }

    fn count<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(self.stop("The body has more values than any valid body can have."));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for ValueOf<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        self.0.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueOf<'_> {
    type Value = Json<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json<'de>, E> {
        Ok(Json::Other)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json<'de>, E> {
        Ok(Json::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json<'de>, E> {
        Ok(i64::try_from(number).map_or(Json::Other, Json::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json<'de>, E> {
        Ok(Json::Other)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Json<'de>, A::Error> {
        self.0.enter()?;
        let mut items = Vec::new();
        loop {
            let before = self.0.repeated.len();
            if items.len() == ITEMS_MAX {
                while array.next_element::<IgnoredAny>()?.is_some() {}
                break;
            }
            let Some(item) = array.next_element_seed(ValueOf(self.0))? else {
                break;
            };
            self.0.repeated.move_below(before, format_args!("{}", items.len()));
            items.push(item);
        }
        self.0.levels -= 1;
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json<'de>, A::Error> {
        self.0.enter()?;
        let mut members: Vec<(Cow<'de, str>, Json<'de>)> = Vec::new();
        while members.len() < MEMBERS_MAX {
            let Some(Name(name)) = object.next_key()? else {
                break;
            };
            let before = self.0.repeated.len();
            if members.iter().any(|(earlier, _)| *earlier == name) {
                self.0.repeated.note("occurs more than once");
                object.next_value_seed(ValueOf(self.0))?;
                self.0.repeated.move_below(before, format_args!("{name}"));
            } else {
                let value = object.next_value_seed(ValueOf(self.0))?;
                self.0.repeated.move_below(before, format_args!("{name}"));
                members.push((name, value));
            }
        }
        if members.len() == MEMBERS_MAX {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        }
        self.0.levels -= 1;
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn detail(text: &str) -> &'static str {
        match Body::read(text) {
            Err(Error::InvalidRequest(detail)) => detail,
            other => panic!("{other:?}"),
        }
    }

    fn repeated(text: &str) -> Vec<String> {
        let body = Body::read(text).expect("it is JSON");
        body.repeated.into_listed().into_iter().map(|mistake| mistake.pointer).collect()
    }

    #[test]
    fn names_that_occur_twice_are_found_at_any_depth() {
        assert_eq!(repeated(r#"{"a": 1, "b": {"a": 1}, "c": [{"a": 1}, {"a": 1}]}"#), [""; 0]);
        assert_eq!(repeated(r#"{"a": 1, "a": 1, "a": 2}"#), ["/a", "/a"]);
        assert_eq!(
            repeated(
                r#"{"x/y": [0, {"a": {"b": 1, "\u0062": 2}}], "c": 1, "c": {"d": 1, "d": 2}}"#
            ),
            ["/x~1y/1/a/b", "/c", "/c/d"]
        );
    }

    #[test]
    fn a_replacement_character_is_refused_and_its_escape_is_not() {
        assert!(
            detail("{\"a\": \"M\u{fffd}ller\"}")
                .starts_with("The body has bytes that are not UTF-8")
        );
        assert!(Body::read(r#"{"a": "M\ufffdller"}"#).is_ok());
    }

    #[test]
    fn nesting_and_numbers_out_of_range_are_called_what_they_are() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);

        assert!(Body::read(&nested(32)).is_ok());
        for levels in [33, 127, 128, 100_000] {
            assert_eq!(detail(&nested(levels)), "The body is nested more than 32 levels deep.");
        }
        assert_eq!(detail("[1e400]"), "The body has a number that is out of range.");
        assert!(Body::read("[1e300, 123456789012345678901234567890]").is_ok());
    }

    #[test]
    fn other_texts_are_not_json() {
        for text in ["", "{", "{} {}", "NaN", "\"\\ud800\"", "\u{feff}{}", "{\"a\" 1}", "[1,]"] {
            assert!(matches!(Body::read(text), Err(Error::InvalidJson { .. })), "{text}");
        }
    }

    #[test]
    fn no_more_is_kept_than_a_good_body_can_have() {
        let members: Vec<_> = (0..90_000).map(|number| format!("\"m{number}\":1")).collect();
        let body = format!("{{{}}}", members.join(","));
        let Json::Object(kept) = Body::read(&body).expect("it is JSON").value else { panic!() };
        assert_eq!(kept.len(), MEMBERS_MAX);

        let body = format!("[{}1]", "1,".repeat(90_000));
        let Json::Array(kept) = Body::read(&body).expect("it is JSON").value else { panic!() };
        assert_eq!(kept.len(), ITEMS_MAX);

        let rows = format!("[{}1]", "1,".repeat(900));
        let many = detail(&format!("[{}1]", format!("{rows},").repeat(10))).to_owned();
        assert_eq!(many, "The body has more values than any valid body can have.");
    }

    #[test]
    fn members_that_are_not_kept_are_still_parsed() {
        let members: Vec<_> = (0..200).map(|number| format!("\"m{number}\":1")).collect();
        let broken = format!("{{{},}}", members.join(","));

        assert!(matches!(Body::read(&broken), Err(Error::InvalidJson { .. })));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_as_the_callers_mistake(text in ".*") {
            if let Err(error) = Body::read(&text) {
                prop_assert!(!error.is_ours());
            }
        }

        #[test]
        fn the_same_texts_are_json_as_for_serde(text in r#"[\[\]{}",:a1\\u -]{0,24}"#) {
            let strict = Body::read(&text).is_ok();

            prop_assert_eq!(strict, serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }
}
