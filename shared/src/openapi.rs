//! The words in which an app describes its operations, as an `OpenAPI` 3.0.3 document.
//!
//! Bodies come from [`validation::describe`](crate::validation::describe); what every operation
//! answers alike (problems, headers, paging) is described here once.

use std::io::Write;

use serde_json::{Value, json};

use crate::http::IDEMPOTENCY_KEY_CHARS_MAX;
use crate::page::{LIMIT_DEFAULT, LIMIT_MAX};
use crate::version::ENTITY_TAGS_PATTERN;

/// The statuses that any operation can give: a bad header, and what section 4 of the design calls
/// throttled, internal and unavailable.
const ALWAYS: [u16; 4] = [400, 429, 500, 503];

/// An `OpenAPI` document in the making.
pub struct Document(Value);

/// One operation: a function as its callers see it.
pub struct Operation {
    method: &'static str,
    path: &'static str,
    value: Value,
}

impl Document {
    /// A document without operations.
    pub fn new(title: &str, description: &str, server: &str) -> Self {
        Self(json!({
            "openapi": "3.0.3",
            "info": {"title": title, "version": "1", "description": description},
            "servers": [{"url": server}],
            "paths": {},
            "components": {"schemas": {"Problem": problem_schema()}}
        }))
    }

    /// Wants a key in this header from every caller; without it, the answer is 401.
    #[must_use]
    pub fn key_in(mut self, header: &str) -> Self {
        self.0["security"] = json!([{"key": []}]);
        self.0["components"]["securitySchemes"] =
            json!({"key": {"type": "apiKey", "in": "header", "name": header}});
        self
    }

    /// Names a schema, with an example that holds to it.
    #[must_use]
    pub fn schema(mut self, name: &str, mut schema: Value, example: Value) -> Self {
        schema["example"] = example;
        self.0["components"]["schemas"][name] = schema;
        self
    }

    /// Adds an operation.
    #[must_use]
    pub fn operation(mut self, operation: Operation) -> Self {
        let Operation { method, path, value } = operation;
        self.0["paths"][path][method] = value;
        self
    }

    /// Writes the document to standard output.
    ///
    /// # Errors
    /// If standard output is closed.
    pub fn print(&self) -> std::io::Result<()> {
        let json = serde_json::to_string_pretty(&self.0)?;
        writeln!(std::io::stdout(), "{json}")
    }
}

impl Operation {
    /// The operation of this name; identifiers in its path are parameters.
    pub fn new(id: &str, method: &'static str, path: &'static str, summary: &str) -> Self {
        let parameters: Vec<_> = path
            .split(['{', '}'])
            .skip(1)
            .step_by(2)
            .map(|name| {
                json!({
                    "name": name, "in": "path", "required": true,
                    "schema": {"type": "string", "format": "uuid"}
                })
            })
            .collect();
        // Whoever lacks the key is refused before the app hears of it, in words that are not ours.
        let responses = json!({"401": {"description": "The key is missing or wrong."}});
        let value = json!({
            "operationId": id, "summary": summary, "parameters": parameters, "responses": responses
        });
        Self { method, path, value }.problems(&ALWAYS)
    }

    /// Takes a body of this schema.
    #[must_use]
    pub fn body(mut self, schema: &str) -> Self {
        self.value["requestBody"] = json!({"required": true, "content": content(&named(schema))});
        self.problems(&[413, 415])
    }

    /// Answers 201 with a body of this schema, once per `Idempotency-Key`.
    #[must_use]
    pub fn creates(self, schema: &str, mut headers: Value) -> Self {
        headers["Location"] = header("Where it is, relative to the request's own URL.", true);
        headers["Idempotency-Replayed"] = header("true, if it was created before.", false);
        let pattern = format!("^[!-~]{{1,{IDEMPOTENCY_KEY_CHARS_MAX}}}$");
        let visible = json!({"type": "string", "pattern": pattern});
        self.parameter("header", "Idempotency-Key", &visible)
            .answer(201, "Created.", headers, Some(named(schema)))
            .problems(&[422])
    }

    /// Answers 200 with a body of this schema and its version.
    #[must_use]
    pub fn returns(self, schema: &str) -> Self {
        self.answer(200, "As it is now.", versioned(), Some(named(schema))).problems(&[404, 410])
    }

    /// Answers 304 to a caller who holds the version.
    #[must_use]
    pub fn unless_known(self) -> Self {
        self.parameter("header", "If-None-Match", &entity_tags()).answer(
            304,
            "The caller holds this version.",
            versioned(),
            None,
        )
    }

    /// Writes only if the caller knows the version.
    #[must_use]
    pub fn if_match(self) -> Self {
        self.parameter("header", "If-Match", &entity_tags()).problems(&[404, 412])
    }

    /// Answers 204.
    #[must_use]
    pub fn returns_nothing(self) -> Self {
        self.answer(204, "Done, now or before.", json!({}), None)
    }

    /// Answers with a page of items of this schema.
    #[must_use]
    pub fn pages(self, schema: &str) -> Self {
        let limit = json!({"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT});
        let link = json!({"Link": header("The next page, if there is one (RFC 8288).", false)});
        self.parameter("query", "limit", &limit)
            .parameter("query", "cursor", &json!({"type": "string", "format": "uuid"}))
            .answer(200, "A page.", link, Some(json!({"type": "array", "items": named(schema)})))
    }

    /// Can answer with problems of these statuses too.
    #[must_use]
    pub fn problems(mut self, statuses: &[u16]) -> Self {
        for status in statuses {
            let headers = match status {
                412 => versioned(),
                429 | 503 => json!({"Retry-After": header("Seconds to wait.", true)}),
                _ => json!({}),
            };
            self.value["responses"][status.to_string()] = json!({
                "description": "A problem (RFC 9457).",
                "headers": headers,
                "content": {"application/problem+json": {"schema": named("Problem")}}
            });
        }
        self
    }

    fn parameter(mut self, place: &str, name: &str, schema: &Value) -> Self {
        if let Some(parameters) = self.value["parameters"].as_array_mut() {
            parameters.push(json!({"name": name, "in": place, "schema": schema}));
        }
        self
    }

    fn answer(mut self, status: u16, text: &str, headers: Value, body: Option<Value>) -> Self {
        let mut response = json!({"description": text, "headers": headers});
        if let Some(schema) = body {
            response["content"] = content(&schema);
        }
        self.value["responses"][status.to_string()] = response;
        self
    }
}

/// The header that carries a version.
pub fn versioned() -> Value {
    json!({"ETag": header("The version, in quotes.", true)})
}

fn entity_tags() -> Value {
    json!({"type": "string", "pattern": ENTITY_TAGS_PATTERN, "example": "\"1\""})
}

fn header(description: &str, required: bool) -> Value {
    json!({"description": description, "required": required, "schema": {"type": "string"}})
}

fn content(schema: &Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

fn named(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// What `Error::into_response` writes.
fn problem_schema() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": text, "title": text, "status": {"type": "integer"}, "detail": text,
            "traceId": text,
            "errors": {"type": "array", "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": text, "detail": text}
            }}
        }
    })
}
