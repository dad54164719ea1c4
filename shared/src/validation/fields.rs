//! The fields of an object, read one by one, or described.

use serde_json::{Map, Value, json};

use super::{Rule, below, refuse};
use crate::Result;
use crate::error::FieldError;

/// The fields of one JSON object, taken out one by one.
pub struct Fields {
    pub(super) object: Map<String, Value>,
    pub(super) mistakes: Vec<FieldError>,
    /// What was noted so far, if the fields are described instead of read.
    pub(super) description: Option<Description>,
}

/// Their schemas, and which of them must be there.
#[derive(Default)]
pub(super) struct Description {
    pub(super) properties: Map<String, Value>,
    pub(super) required: Vec<String>,
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
    ///
    /// The rule only describes what they got.
    pub fn ignored(&mut self, name: &str, rule: &impl Rule) {
        if let Some(description) = &mut self.description {
            let mut schema = rule.schema();
            schema["description"] = json!("accepted as it was loaded, without effect");
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

/// The schema with null allowed, beside which a reference to a named one has no effect.
fn nullable(mut schema: Value) -> Value {
    if schema.get("title").is_some() {
        return json!({"allOf": [schema], "nullable": true});
    }
    schema["nullable"] = json!(true);
    schema
}
