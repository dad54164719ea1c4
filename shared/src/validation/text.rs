//! Texts with a length or a format.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{DATE_CHARS_MAX, Mistakes, Rule, is_allowed, is_visible};
use crate::json::Json;
use crate::{Id, Timestamp};

/// Text with a minimum and a maximum length, counted in Unicode scalar values, and at least one
/// visible character.
pub struct Text {
    chars_min: usize,
    chars_max: usize,
    lines: Lines,
}

/// Whether the text may have several lines.
#[derive(Clone, Copy, PartialEq)]
enum Lines {
    One,
    Many,
}

/// Text of 1 to `chars_max` characters.
pub const fn text(chars_max: usize) -> Text {
    Text { chars_min: 1, chars_max, lines: Lines::One }
}

/// Text of 1 to `chars_max` characters, including tabs and line ends.
pub const fn text_with_lines(chars_max: usize) -> Text {
    Text { chars_min: 1, chars_max, lines: Lines::Many }
}

/// Text of exactly `chars` characters.
pub const fn text_of_exactly(chars: usize) -> Text {
    Text { chars_min: chars, chars_max: chars, lines: Lines::One }
}

impl Text {
    fn has_fitting_length(&self, text: &str) -> bool {
        let (min, max) = (self.chars_min, self.chars_max);
        // A character has one to four bytes, so most texts need no counting.
        (min <= 1 && !text.is_empty() && text.len() <= max)
            || (text.len() <= 4 * max && (min..=max).contains(&text.chars().count()))
    }

    fn may_have(&self, character: char) -> bool {
        is_allowed(character)
            || (self.lines == Lines::Many && matches!(character, '\t' | '\n' | '\r'))
    }
}

impl Rule for Text {
    type Output = String;

    fn read(&self, value: Json<'_>, mistakes: &mut Mistakes) -> Option<String> {
        let Json::Text(text) = value else {
            mistakes.note("must be text");
            return None;
        };
        let (min, max) = (self.chars_min, self.chars_max);
        if !self.has_fitting_length(&text) {
            mistakes.note(if min == max {
                format!("must be exactly {max} characters long")
            } else {
                format!("must be {min} to {max} characters long")
            });
        } else if !text.chars().all(|character| self.may_have(character)) {
            mistakes.note("must not have control characters or bidirectional overrides");
        } else if !text.chars().any(is_visible) {
            mistakes.note("must have a visible character");
        } else {
            return Some(text.into_owned());
        }
        None
    }

    fn schema(&self) -> Value {
        json!({"type": "string", "minLength": self.chars_min, "maxLength": self.chars_max})
    }
}

/// The format of a text for the schema, in addition to the expectation in words.
pub enum SchemaHint {
    /// A format that `OpenAPI` or JSON Schema defines, for example `uuid`.
    Format(&'static str),
    /// A regular expression (ECMA 262) that valid texts match; `parse` may be stricter.
    Pattern(&'static str),
    /// A regular expression and a maximum length in characters.
    PatternWithin(&'static str, usize),
}

/// Text that `parse` accepts; see [`text_like`].
pub struct TextLike<P> {
    parse: P,
    form: SchemaHint,
    expectation: &'static str,
}

/// Text that `parse` accepts; otherwise the error is `expectation`, for example "must be a GUID".
pub const fn text_like<T, P: Fn(&str) -> Option<T>>(
    parse: P,
    form: SchemaHint,
    expectation: &'static str,
) -> TextLike<P> {
    TextLike { parse, form, expectation }
}

impl<T, P: Fn(&str) -> Option<T>> Rule for TextLike<P> {
    type Output = T;

    fn read(&self, value: Json<'_>, mistakes: &mut Mistakes) -> Option<T> {
        let read = value.as_text().and_then(&self.parse);
        if read.is_none() {
            mistakes.note(self.expectation);
        }
        read
    }

    fn schema(&self) -> Value {
        let mut schema = json!({"type": "string", "description": self.expectation});
        match self.form {
            SchemaHint::Format(name) => schema["format"] = json!(name),
            SchemaHint::Pattern(pattern) => schema["pattern"] = json!(pattern),
            SchemaHint::PatternWithin(pattern, chars_max) => {
                schema["pattern"] = json!(pattern);
                schema["maxLength"] = json!(chars_max);
            }
        }
        schema
    }
}

/// One of a few words; see [`one_of`].
pub struct OneOf<T: 'static> {
    words: &'static [(&'static str, T)],
    expectation: &'static str,
}

/// One of these words, each with its parsed value; otherwise the error is `expectation`.
pub const fn one_of<T>(words: &'static [(&'static str, T)], expectation: &'static str) -> OneOf<T> {
    OneOf { words, expectation }
}

impl<T: Copy> Rule for OneOf<T> {
    type Output = T;

    fn read(&self, value: Json<'_>, mistakes: &mut Mistakes) -> Option<T> {
        let known = |text: &str| self.words.iter().find(|(word, _)| *word == text);
        let read = value.as_text().and_then(known).map(|(_, it)| *it);
        if read.is_none() {
            mistakes.note(self.expectation);
        }
        read
    }

    fn schema(&self) -> Value {
        let words: Vec<_> = self.words.iter().map(|(word, _)| word).collect();
        json!({"type": "string", "enum": words, "description": self.expectation})
    }
}

/// An identifier.
pub fn guid<T>() -> impl Rule<Output = Id<T>> {
    text_like(Id::parse, SchemaHint::Format("uuid"), "must be a GUID")
}

/// An RFC 3339 date-time; the text is kept as sent.
pub fn date_time() -> impl Rule<Output = String> {
    text_like(
        |text| moment(text).map(|_| text.to_owned()),
        SchemaHint::Format("date-time"),
        "must be an RFC 3339 date-time",
    )
}

/// A moment. Timestamps have milliseconds, so a moment between two of them becomes the later one.
pub fn timestamp() -> impl Rule<Output = Timestamp> {
    text_like(
        |text| moment(text).map(Timestamp::not_before),
        SchemaHint::Format("date-time"),
        "must be an RFC 3339 date-time",
    )
}

/// A trace id (W3C Trace Context), in lower case.
pub fn trace_id() -> impl Rule<Output = String> {
    let is_hex = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    text_like(
        move |text| is_hex(text).then(|| text.to_ascii_lowercase()),
        SchemaHint::Pattern("^[0-9A-Fa-f]{32}$"),
        "must be 32 hexadecimal digits",
    )
}

/// The time of an RFC 3339 date-time, year 1 or later. Leap seconds are refused, although the
/// format allows them, because most clients cannot read them.
pub fn moment(text: &str) -> Option<OffsetDateTime> {
    let fits = text.len() <= DATE_CHARS_MAX && text.get(10..11)?.eq_ignore_ascii_case("T");
    let seconds = text.get(17..19).filter(|_| fits)?;
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    (seconds != "60" && moment.year() >= 1).then_some(moment)
}
