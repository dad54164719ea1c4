//! Arrays, and objects with known fields.

use serde_json::{Value, json};

use super::fields::{Description, Fields};
use super::{LIST_ITEMS_MAX, Mistakes, Rule};
use crate::json::Json;

/// An array; see [`list`].
pub struct List<R> {
    items_max: usize,
    item: R,
}

/// An array of at most `items_max` items.
///
/// # Panics
/// If that is more than [`LIST_ITEMS_MAX`]: the JSON parser drops further items.
pub const fn list<R: Rule>(items_max: usize, item: R) -> List<R> {
    assert!(items_max <= LIST_ITEMS_MAX);
    List { items_max, item }
}

impl<R: Rule> Rule for List<R> {
    type Output = Vec<R::Output>;

    fn read(&self, value: Json<'_>, mistakes: &mut Mistakes) -> Option<Self::Output> {
        let Json::Array(values) = value else {
            mistakes.note("must be an array");
            return None;
        };
        if values.len() > self.items_max {
            mistakes.note(format!("must have at most {} items", self.items_max));
            return None;
        }
        let mut items = Vec::with_capacity(values.len());
        let good_before = mistakes.len();
        for (index, value) in values.into_iter().enumerate() {
            let before = mistakes.len();
            let item = self.item.read(value, mistakes);
            mistakes.move_below(before, index);
            if mistakes.has_more() {
                break;
            }
            items.extend(item);
        }
        (mistakes.len() == good_before).then_some(items)
    }

    fn schema(&self) -> Value {
        json!({"type": "array", "maxItems": self.items_max, "items": self.item.schema()})
    }
}

/// An object whose fields `read` reads; all other fields are unknown. `read` returns `None` only
/// after it added an error.
pub struct Object<F>(pub F);

impl<T, F: Fn(&mut Fields<'_>) -> Option<T>> Rule for Object<F> {
    type Output = T;

    fn read(&self, value: Json<'_>, mistakes: &mut Mistakes) -> Option<T> {
        let Json::Object(members) = value else {
            mistakes.note("must be an object");
            return None;
        };
        let before = mistakes.len();
        let found = std::mem::take(mistakes);
        let mut fields = Fields { members, mistakes: found, description: None };
        let read = (self.0)(&mut fields);
        let Fields { members: unknown, mistakes: found, .. } = fields;
        *mistakes = found;
        for (name, _) in unknown {
            mistakes.note_at(&name, "is not a known field");
            if mistakes.has_more() {
                break;
            }
        }
        read.filter(|_| mistakes.len() == before)
    }

    fn schema(&self) -> Value {
        describe(&self.0)
    }
}

/// The `OpenAPI` schema of an object whose fields `read` reads.
pub fn describe<T>(read: impl Fn(&mut Fields<'_>) -> T) -> Value {
    let description = Some(Description::default());
    let mut fields = Fields { members: Vec::new(), mistakes: Mistakes::default(), description };
    read(&mut fields);
    let Description { properties, required } = fields.description.unwrap_or_default();
    let mut schema =
        json!({"type": "object", "properties": properties, "additionalProperties": false});
    // OpenAPI 3.0 does not allow an empty `required`.
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}
