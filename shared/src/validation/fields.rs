//! The fields of an object, read or described one by one.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::{Mistakes, Rule};
use crate::json::Json;

/// The fields of one JSON object, removed as they are read.
pub struct Fields<'a> {
    pub(super) members: Vec<(Cow<'a, str>, Json<'a>)>,
    pub(super) mistakes: Mistakes,
    /// The schemas so far, if the fields are described instead of read.
    pub(super) description: Option<Description>,
}

/// The schemas of the fields, and which fields are required.
#[derive(Default)]
pub(super) struct Description {
    pub(super) properties: Map<String, Value>,
    pub(super) required: Vec<String>,
}

impl Fields<'_> {
    /// A required field; `None` if it is missing or invalid, which is reported.
    ///
    /// Read every field before the first `?`, so that all errors are reported.
    pub fn required<R: Rule>(&mut self, name: &str, rule: R) -> Option<R::Output> {
        if let Some(description) = &mut self.description {
            description.properties.insert(name.to_owned(), rule.schema());
            description.required.push(name.to_owned());
            return None;
        }
        match self.take(name) {
            None | Some(Json::Null) => {
                self.mistakes.note_at(name, "is required");
                None
            }
            Some(value) => self.read(name, value, rule),
        }
    }

    /// A field that may be absent or null; also `None` if it is invalid, which is reported.
    pub fn optional<R: Rule>(&mut self, name: &str, rule: R) -> Option<R::Output> {
        if let Some(description) = &mut self.description {
            description.properties.insert(name.to_owned(), nullable(rule.schema()));
            return None;
        }
        match self.take(name) {
            None | Some(Json::Null) => None,
            Some(value) => self.read(name, value, rule),
        }
    }

    /// A field that clients send back as they loaded it, and that is ignored.
    ///
    /// `rule` only describes the loaded value.
    pub fn ignored(&mut self, name: &str, rule: &impl Rule) {
        if let Some(description) = &mut self.description {
            let mut schema = rule.schema();
            schema["description"] = json!("accepted and ignored");
            description.properties.insert(name.to_owned(), schema);
        }
        // A value that was not read in full could contain anything, so it is refused.
        if self.take(name).is_some_and(|value| !value.is_whole()) {
            self.mistakes.note_at(name, "has too many members or items");
        }
    }

    /// A field that only the server sets.
    pub fn refused(&mut self, name: &str) {
        if self.take(name).is_some() {
            self.mistakes.note_at(name, "is set by the server");
        }
    }

    /// Adds an error of the field `name` that a rule about several fields has found.
    pub fn note_at(&mut self, name: &str, detail: &'static str) {
        self.mistakes.note_at(name, detail);
    }

    /// Adds an error of the whole object.
    pub fn note(&mut self, detail: &'static str) {
        self.mistakes.note(detail);
    }

    /// Whether there is no error so far: a field that was read as `None` was not sent.
    pub fn are_good(&self) -> bool {
        self.mistakes.is_empty()
    }

    fn read<R: Rule>(&mut self, name: &str, value: Json<'_>, rule: R) -> Option<R::Output> {
        let before = self.mistakes.len();
        let read = rule.read(value, &mut self.mistakes);
        self.mistakes.move_below(before, name);
        read
    }
}

impl<'a> Fields<'a> {
    fn take(&mut self, name: &str) -> Option<Json<'a>> {
        let at = self.members.iter().position(|(candidate, _)| candidate == name)?;
        Some(self.members.remove(at).1)
    }
}

/// The schema with null allowed. `nullable` beside a `$ref` would have no effect.
fn nullable(mut schema: Value) -> Value {
    if schema.get("title").is_some() {
        return json!({"allOf": [schema], "nullable": true});
    }
    schema["nullable"] = json!(true);
    schema
}
