//! Arrays, and objects with known fields.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::fields::{Description, Fields};
use super::{Rule, below, pointer_to, refuse};
use crate::Result;
use crate::error::FieldError;

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
