//! The words in which bodies are described, one line per field.
//!
//! A body is a function that reads its [`Fields`] in order. Every mistake is noted with its JSON
//! pointer and reading goes on, so that the caller hears of all of them at once; what was read
//! in the meantime is thrown away.
//!
//! The same function describes the body: run by [`describe`], nothing is read, and every field
//! notes its name and its rule's schema instead.

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::FieldError;
use crate::{Error, Id, Result};

/// Something that a field's value must be.
pub trait Rule {
    /// What a good value becomes.
    type Output;

    /// Reads a value.
    ///
    /// # Errors
    /// Every mistake, with pointers relative to the value.
    fn read(&self, value: Value) -> Result<Self::Output, Vec<FieldError>>;

    /// What a value must be, as a schema of `OpenAPI` 3.0.
    fn schema(&self) -> Value;
}

/// The fields of one JSON object, taken out one by one.
pub struct Fields {
    object: Map<String, Value>,
    mistakes: Vec<FieldError>,
    /// What was noted so far, if the fields are described instead of read.
    description: Option<Description>,
}

#[derive(Default)]
struct Description {
    properties: Map<String, Value>,
    required: Vec<String>,
}

/// Reads a whole body: an object with these fields and no others.
///
/// # Errors
/// [`Error::InvalidBody`] with every mistake.
pub fn parse<T>(body: Value, read: impl Fn(&mut Fields) -> T) -> Result<T> {
    Object(read).read(body).map_err(Error::InvalidBody)
}

/// The `OpenAPI` schema of the body that `read` reads.
pub fn describe<T>(read: impl Fn(&mut Fields) -> T) -> Value {
    Object(read).schema()
}

impl Fields {
    /// A field that must be there; the default value stands in for one that is wrong.
    pub fn required<R: Rule<Output: Default>>(&mut self, name: &str, rule: R) -> R::Output {
        if let Some(description) = &mut self.description {
            description.properties.insert(name.to_owned(), rule.schema());
            description.required.push(name.to_owned());
            return R::Output::default();
        }
        match self.take(name) {
            Some(value) => self.noted(name, rule.read(value)),
            None => self.noted(name, refuse("is required")),
        }
        .unwrap_or_default()
    }

    /// A field that may be absent or null.
    pub fn optional<R: Rule>(&mut self, name: &str, rule: R) -> Option<R::Output> {
        if let Some(description) = &mut self.description {
            description.properties.insert(name.to_owned(), nullable(rule.schema()));
            return None;
        }
        let value = self.take(name)?;
        self.noted(name, rule.read(value))
    }

    /// A field that clients send back as they got it, and that has no effect.
    pub fn ignored(&mut self, name: &str) {
        if let Some(description) = &mut self.description {
            let schema = json!({"description": "Accepted as it was loaded, without effect."});
            description.properties.insert(name.to_owned(), schema);
        }
        self.object.remove(name);
    }

    /// A field that only the server sets.
    pub fn refused(&mut self, name: &str) {
        if self.object.remove(name).is_some() {
            let _: Option<()> = self.noted(name, refuse("is set by the server"));
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.object.remove(name).filter(|value| !value.is_null())
    }

    fn noted<T>(&mut self, name: &str, result: Result<T, Vec<FieldError>>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(mistakes) => {
                self.mistakes.extend(below(name, mistakes));
                None
            }
        }
    }
}

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
    /// The only texts there are.
    OneOf(&'static [&'static str]),
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
        let (keyword, form) = match self.form {
            Form::Format(name) => ("format", json!(name)),
            Form::Pattern(pattern) => ("pattern", json!(pattern)),
            Form::OneOf(texts) => ("enum", json!(texts)),
        };
        json!({"type": "string", keyword: form, "description": self.expectation})
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

/// An array; see [`list`].
pub struct List<R> {
    items_max: usize,
    item: R,
}

/// An array of at most `items_max` items.
pub const fn list<R: Rule>(items_max: usize, item: R) -> List<R> {
    List { items_max, item }
}

impl<R: Rule> Rule for List<R> {
    type Output = Vec<R::Output>;

    fn read(&self, value: Value) -> Result<Self::Output, Vec<FieldError>> {
        let Value::Array(values) = value else {
            return refuse("must be an array");
        };
        if values.len() > self.items_max {
            return refuse(format!("must have at most {} items", self.items_max));
        }
        let mut items = Vec::with_capacity(values.len());
        let mut mistakes = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            match self.item.read(value) {
                Ok(item) => items.push(item),
                Err(found) => mistakes.extend(below(&index.to_string(), found)),
            }
        }
        if mistakes.is_empty() { Ok(items) } else { Err(mistakes) }
    }

    fn schema(&self) -> Value {
        json!({"type": "array", "maxItems": self.items_max, "items": self.item.schema()})
    }
}

/// An object whose fields a function reads; fields that it does not name are unknown.
pub struct Object<F>(pub F);

impl<T, F: Fn(&mut Fields) -> T> Rule for Object<F> {
    type Output = T;

    fn read(&self, value: Value) -> Result<T, Vec<FieldError>> {
        let Value::Object(object) = value else {
            return refuse("must be an object");
        };
        let mut fields = Fields { object, mistakes: Vec::new(), description: None };
        let read = (self.0)(&mut fields);
        let Fields { object: unknown, mut mistakes, .. } = fields;
        mistakes.extend(unknown.keys().map(|name| FieldError {
            pointer: pointer_to(name),
            detail: Cow::Borrowed("is not a known field"),
        }));
        if mistakes.is_empty() { Ok(read) } else { Err(mistakes) }
    }

    fn schema(&self) -> Value {
        let description = Some(Description::default());
        let mut fields = Fields { object: Map::new(), mistakes: Vec::new(), description };
        (self.0)(&mut fields);
        let Description { properties, required } = fields.description.unwrap_or_default();
        let mut schema =
            json!({"type": "object", "properties": properties, "additionalProperties": false});
        // OpenAPI 3.0 allows no empty list here.
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    }
}

/// The schema with null allowed, which `OpenAPI` 3.0 wants among the values of an `enum` too.
fn nullable(mut schema: Value) -> Value {
    schema["nullable"] = json!(true);
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.push(Value::Null);
    }
    schema
}

fn refuse<T>(detail: impl Into<Cow<'static, str>>) -> Result<T, Vec<FieldError>> {
    Err(vec![FieldError { pointer: String::new(), detail: detail.into() }])
}

fn below(name: &str, mistakes: Vec<FieldError>) -> impl Iterator<Item = FieldError> {
    let parent = pointer_to(name);
    mistakes.into_iter().map(move |mistake| FieldError {
        pointer: format!("{parent}{}", mistake.pointer),
        detail: mistake.detail,
    })
}

/// One step of a JSON pointer (RFC 6901, section 3).
fn pointer_to(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
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

    fn parcel(fields: &mut Fields) -> Parcel {
        fields.refused("id");
        fields.ignored("lastUpdated");
        Parcel {
            label: fields.required("label", text(5)),
            note: fields.optional("note", text(5)),
            codes: fields.required(
                "codes",
                list(2, Object(|code: &mut Fields| code.required("code", text_of_exactly(4)))),
            ),
        }
    }

    fn mistakes(body: Value) -> Vec<(String, String)> {
        match parse(body, parcel) {
            Err(Error::InvalidBody(fields)) => {
                fields.into_iter().map(|field| (field.pointer, field.detail.into_owned())).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    fn pair(pointer: &str, detail: &str) -> (String, String) {
        (pointer.to_owned(), detail.to_owned())
    }

    #[test]
    fn a_good_body_is_read() {
        let body =
            json!({"label": "größe", "note": null, "codes": [{"code": "1234"}], "lastUpdated": 1});

        assert_eq!(
            parse(body, parcel).unwrap(),
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
                    "lastUpdated": {"description": "Accepted as it was loaded, without effect."},
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
    fn null_is_absent() {
        assert_eq!(mistakes(json!({"label": null, "codes": []})), [pair("/label", "is required")]);
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        let with_label = |label: &str| parse(json!({"label": label, "codes": []}), parcel).is_ok();

        assert!(with_label("ééééé"));
        assert!(with_label("🧪🧪🧪🧪🧪"));
        assert!(!with_label("éééééé"));
        assert!(!with_label(""));
    }

    proptest! {
        #[test]
        fn text_is_measured_in_scalar_values(text_value in ".{0,9}", max in 1usize..8) {
            let chars = text_value.chars().count();
            let read = text(max).read(Value::String(text_value));

            prop_assert_eq!(read.is_ok(), (1..=max).contains(&chars));
        }
    }
}
