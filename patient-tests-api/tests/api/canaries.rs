//! Bodies made from the app's own schemas, so that privacy tests cannot miss a field.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

/// A body with a value in every field, and those values that occur nowhere else.
pub struct Canaries {
    pub body: Value,
    pub values: Vec<String>,
}

/// A body of this schema, without identifiers, which may be logged.
pub fn of(schema: &str) -> Canaries {
    let document = document();
    let mut values = Vec::new();
    let schema = &document["components"]["schemas"][schema];
    let body = Generator { document: &document, values: &mut values }.object(schema);
    Canaries { body, values }
}

/// The names of a schema's fields.
pub fn fields(schema: &str) -> Vec<String> {
    let document = document();
    let properties = document["components"]["schemas"][schema]["properties"].as_object();
    let mut names: Vec<_> = properties.expect("a body has fields").keys().cloned().collect();
    names.sort_unstable();
    names
}

/// Every text in a body.
pub fn texts(body: &Value) -> Vec<String> {
    match body {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// The committed document; another test compares it with the code.
fn document() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    serde_json::from_str(&fs::read_to_string(file).expect("it is committed")).expect("it is JSON")
}

struct Generator<'a> {
    document: &'a Value,
    values: &'a mut Vec<String>,
}

impl Generator<'_> {
    fn object(&mut self, schema: &Value) -> Value {
        let properties = schema["properties"].as_object().expect("an object has properties");
        let members: Map<_, _> = properties
            .iter()
            .filter_map(|(name, schema)| Some((name.clone(), self.value(schema)?)))
            .collect();
        Value::Object(members)
    }

    /// A valid value; `None` for an identifier.
    fn value(&mut self, schema: &Value) -> Option<Value> {
        if let Some(reference) = schema["$ref"].as_str() {
            let component = &self.document.pointer(reference.trim_start_matches('#'));
            return self.value(component.expect("a reference leads to a component"));
        }
        if let Some(only) = schema["allOf"].get(0) {
            return self.value(only);
        }
        match (schema["type"].as_str(), &schema["enum"][0], &schema["format"]) {
            (Some("object"), _, _) => Some(self.object(schema)),
            (Some("array"), _, _) => Some(json!([self.value(&schema["items"])?])),
            // An enumeration, whose words occur elsewhere too.
            (_, Value::String(word), _) => Some(json!(word)),
            (_, _, Value::String(format)) if format == "uuid" => None,
            _ => Some(json!(self.canary(schema))),
        }
    }

    fn canary(&mut self, schema: &Value) -> String {
        let number = 10 + self.values.len();
        let value = if schema["pattern"].is_string() {
            // Fields with a pattern are dates here; if one is not, the app refuses it and the test
            // fails.
            format!("1931-07-{number}")
        } else {
            let chars_max = schema["maxLength"].as_u64().expect("a text has a bound");
            format!("Kq{number} Zitronenzeisig")
                .chars()
                .take(usize::try_from(chars_max).unwrap())
                .collect()
        };
        self.values.push(value.clone());
        value
    }
}
