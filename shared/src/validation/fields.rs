//! The fields of an object, read one by one, or described.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::{Mistakes, Rule};
use crate::json::Json;

/// The fields of one JSON object, taken out one by one.
pub struct Fields<'a> {
    pub(super) members: Vec<(Cow<'a, str>, Json<'a>)>,
    pub(super) mistakes: Mistakes,
    /// What was noted so far, if the fields are described instead of read.
    pub(super) description: Option<Description>,
}

/// Their schemas, and which of them must be there.
#[derive(Default)]
pub(super) struct Description {
    pub(super) properties: Map<String, Value>,
    pub(super) required: Vec<String>,
}

impl Fields<'_> {
    /// A field that must be there; `None` if it is missing or wrong, which is noted.
    ///
    /// Read every field before the first `?`, so that all mistakes are noted.
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

    /// A field that may be absent or null; `None` also if it is wrong, which is noted.
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

    /// A field that clients send back as they got it, and that has no effect.
    ///
    /// The rule only describes what they got.
    pub fn ignored(&mut self, name: &str, rule: &impl Rule) {
        if let Some(description) = &mut self.description {
            let mut schema = rule.schema();
            schema["description"] = json!("accepted as it was loaded, without effect");
            description.properties.insert(name.to_owned(), schema);
        }
        // Of what was not even read, nobody knows what it hides.
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

/// The schema with null allowed, beside which a reference to a named one has no effect.
fn nullable(mut schema: Value) -> Value {
    if schema.get("title").is_some() {
        return json!({"allOf": [schema], "nullable": true});
    }
    schema["nullable"] = json!(true);
    schema
}
