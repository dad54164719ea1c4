//! A rule whose schema has a name.

use serde_json::{Value, json};

use super::{Mistakes, Rule};
use crate::json::Json;

/// A rule with a name; see [`named`].
pub struct Named<R> {
    name: &'static str,
    rule: R,
}

/// Gives the schema of a rule a name; documents describe it once under that name; see [`Document`].
///
/// [`Document`]: crate::openapi::Document
pub const fn named<R: Rule>(name: &'static str, rule: R) -> Named<R> {
    Named { name, rule }
}

impl<R: Rule> Rule for Named<R> {
    type Output = R::Output;

    fn read(&self, value: Json<'_>, mistakes: &mut Mistakes) -> Option<Self::Output> {
        self.rule.read(value, mistakes)
    }

    fn schema(&self) -> Value {
        let mut schema = self.rule.schema();
        schema["title"] = json!(self.name);
        schema
    }
}
