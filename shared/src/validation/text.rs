//! Texts: of some length, or of some form.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Rule, refuse};
use crate::error::FieldError;
use crate::{Id, Result};

/// Text of a length between two bounds, counted in Unicode scalar values.
pub struct Text {
    chars_min: usize,
    chars_max: usize,
}

/// Text of 1 to `chars_max` characters.
pub const fn text(chars_max: usize) -> Text {
    Text { chars_min: 1, chars_max }
}

/// Text of exactly `chars` characters.
pub const fn text_of_exactly(chars: usize) -> Text {
    Text { chars_min: chars, chars_max: chars }
}

impl Rule for Text {
    type Output = String;

    fn read(&self, value: Value) -> Result<String, Vec<FieldError>> {
        let Value::String(text) = value else {
            return refuse("must be text");
        };
        let (min, max) = (self.chars_min, self.chars_max);
        // A character takes one to four bytes, so most texts need no counting.
        let fits = (min <= 1 && !text.is_empty() && text.len() <= max)
            || (min..=max).contains(&text.chars().count());
        if fits {
            Ok(text)
        } else if min == max {
            refuse(format!("must be exactly {max} characters long"))
        } else {
            refuse(format!("must be {min} to {max} characters long"))
        }
    }

    fn schema(&self) -> Value {
        json!({"type": "string", "minLength": self.chars_min, "maxLength": self.chars_max})
    }
}

/// What a schema can say about the form of a text, beside the expectation in words.
pub enum Form {
    /// A format that `OpenAPI` or JSON Schema names, for instance `uuid`.
    Format(&'static str),
    /// A regular expression (ECMA 262) that good texts match; `parse` may want more.
    Pattern(&'static str),
    /// The same, and the most characters.
    PatternWithin(&'static str, usize),
}

/// Text that `parse` understands; see [`text_like`].
pub struct TextLike<P> {
    parse: P,
    form: Form,
    expectation: &'static str,
}

/// Text that `parse` understands, else the field `expectation`, for instance "must be a GUID".
pub const fn text_like<T, P: Fn(&str) -> Option<T>>(
    parse: P,
    form: Form,
    expectation: &'static str,
) -> TextLike<P> {
    TextLike { parse, form, expectation }
}

impl<T, P: Fn(&str) -> Option<T>> Rule for TextLike<P> {
    type Output = T;

    fn read(&self, value: Value) -> Result<T, Vec<FieldError>> {
        value.as_str().and_then(&self.parse).map_or_else(|| refuse(self.expectation), Ok)
    }

    fn schema(&self) -> Value {
        let mut schema = json!({"type": "string", "description": self.expectation});
        match self.form {
            Form::Format(name) => schema["format"] = json!(name),
            Form::Pattern(pattern) => schema["pattern"] = json!(pattern),
            Form::PatternWithin(pattern, chars_max) => {
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

/// One of these words, which stands for what is beside it, else the field `expectation`.
pub const fn one_of<T>(words: &'static [(&'static str, T)], expectation: &'static str) -> OneOf<T> {
    OneOf { words, expectation }
}

impl<T: Copy> Rule for OneOf<T> {
    type Output = T;

    fn read(&self, value: Value) -> Result<T, Vec<FieldError>> {
        let known = |text: &str| self.words.iter().find(|(word, _)| *word == text);
        value.as_str().and_then(known).map_or_else(|| refuse(self.expectation), |(_, it)| Ok(*it))
    }

    fn schema(&self) -> Value {
        let words: Vec<_> = self.words.iter().map(|(word, _)| word).collect();
        json!({"type": "string", "enum": words, "description": self.expectation})
    }
}

/// An identifier.
pub fn guid<T>() -> impl Rule<Output = Id<T>> {
    text_like(Id::parse, Form::Format("uuid"), "must be a GUID")
}

/// An RFC 3339 date-time, kept as it was sent.
pub fn date_time() -> impl Rule<Output = String> {
    text_like(
        |text| OffsetDateTime::parse(text, &Rfc3339).is_ok().then(|| text.to_owned()),
        Form::Format("date-time"),
        "must be an RFC 3339 date-time",
    )
}
