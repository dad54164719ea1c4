//! Builds an app's `OpenAPI` 3.0.3 document.
//!
//! Schemas of bodies come from [`validation::describe`](crate::validation::describe). Problems,
//! headers and paging, which all operations share, are described here.

use std::io::Write;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::http::{IdempotencyKey, PURPOSE_PATTERN};
use crate::page::{LIMIT_DEFAULT, LIMIT_MAX};
use crate::validation::LISTED_MAX;
use crate::version::ENTITY_TAGS_PATTERN;

const JSON: &str = "application/json";

/// The statuses that any operation can return: a bad header, a precondition, and the throttled,
/// internal and unavailable of `docs/contract.md`.
const ALWAYS: [u16; 5] = [400, 412, 429, 500, 503];

/// The statuses with which the gateway itself refuses requests, as problems.
const GATEWAY: [u16; 4] = [401, 403, 404, 413];

/// An `OpenAPI` document under construction.
pub struct Document {
    value: Value,
    entry_point: EntryPoint,
    /// The parameters in paths.
    path_parameters: Vec<PathParameter>,
}

/// A parameter in a path.
struct PathParameter {
    name: &'static str,
    description: &'static str,
    schema: Value,
}

/// The component that checks callers' keys and refuses requests without one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum EntryPoint {
    /// API Management, which refuses with problems.
    Gateway,
    /// The Functions host, which refuses with an empty body.
    Host,
}

/// Writes `application/json` before other media types: generated clients take the first one.
struct JsonFirst<'a>(&'a Value);

/// A group of operations, called a tag in `OpenAPI`.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// Its description.
    pub description: &'static str,
}

/// One operation: a function as callers see it.
#[derive(Clone)]
pub struct Operation {
    method: &'static str,
    /// Whether it is the list operation, for which the route's last parameter is omitted.
    is_list: bool,
    /// Its id, unless that is the function's name, with an `s` for the list.
    id: Option<&'static str>,
    value: Value,
}

impl Document {
    /// A document without operations; the types of its problems begin with `problem_types`.
    pub fn new(
        title: &str,
        description: &str,
        server: &str,
        entry_point: EntryPoint,
        problem_types: &str,
    ) -> Self {
        let key = match entry_point {
            EntryPoint::Gateway => "Ocp-Apim-Subscription-Key",
            EntryPoint::Host => "x-functions-key",
        };
        let value = json!({
            "openapi": "3.0.3",
            "info": {
                "title": title, "version": "1", "description": description,
                "license": {"name": env!("CARGO_PKG_LICENSE")}
            },
            "servers": [{"url": server}],
            "security": [{"key": []}],
            "tags": [],
            "paths": {},
            "components": {
                "schemas": {"Problem": problem_schema(problem_types)},
                "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": key}}
            }
        });
        Self { value, entry_point, path_parameters: Vec::new() }
    }

    /// Names the schema of a request body, with a valid example.
    #[must_use]
    pub fn taken(self, name: &str, schema: Value, example: Value) -> Self {
        self.schema(name, schema, example)
    }

    /// Names the schema of a response body, with a valid example.
    #[must_use]
    pub fn returned(self, name: &str, mut schema: Value, example: Value) -> Self {
        open(&mut schema);
        self.schema(name, schema, example)
    }

    fn schema(mut self, name: &str, mut schema: Value, example: Value) -> Self {
        let components = &mut self.value["components"]["schemas"];
        extract_components(&mut schema, components);
        schema["example"] = example;
        components[name] = schema;
        self
    }

    /// Describes the path identifier `name`.
    #[must_use]
    pub fn id(self, name: &'static str, description: &'static str) -> Self {
        self.parameter(name, description, json!({"type": "string", "format": "uuid"}))
    }

    /// Describes the path parameter `name`.
    #[must_use]
    pub fn parameter(
        mut self,
        name: &'static str,
        description: &'static str,
        schema: Value,
    ) -> Self {
        self.path_parameters.push(PathParameter { name, description, schema });
        self
    }

    /// Names the schema of the response to [`Operation::health`].
    #[must_use]
    pub fn with_health(self) -> Self {
        self.returned("Health", json!({"type": "object"}), json!({}))
    }

    /// Adds the operations of a function, with HEAD beside GET if the function has both methods.
    #[must_use]
    pub fn function(
        mut self,
        group: &Group,
        name: &str,
        methods: &[&str],
        route: &str,
        operations: Vec<Operation>,
    ) -> Self {
        self.add_tag(group);
        for operation in operations {
            let (id, path) = operation.id_and_path(name, route);
            let head = methods.contains(&"head").then(|| operation.head());
            self.add(group, &id, &path, operation);
            if let Some(head) = head {
                self.add(group, &format!("{id}Head"), &path, head);
            }
        }
        self
    }

    fn add_tag(&mut self, group: &Group) {
        let tag = json!({"name": group.name, "description": group.description});
        if let Some(tags) = self.value["tags"].as_array_mut()
            && !tags.contains(&tag)
        {
            tags.push(tag);
        }
    }

    fn add(&mut self, group: &Group, id: &str, path: &str, operation: Operation) {
        let Operation { method, mut value, .. } =
            operation.at(self.entry_point).with_path_parameters(path, &self.path_parameters);
        value["operationId"] = json!(id);
        value["tags"] = json!([group.name]);
        if method == "head" {
            without_bodies(&mut value);
        }
        self.value["paths"][path][method] = value;
    }

    /// Writes the document to standard output.
    ///
    /// # Errors
    /// If standard output is closed.
    pub fn print(&self) -> std::io::Result<()> {
        let json = serde_json::to_string_pretty(&JsonFirst(&self.value))?;
        writeln!(std::io::stdout(), "{json}")
    }
}

impl Operation {
    /// An operation with this method, in lower case.
    pub fn new(method: &'static str, summary: &str, description: &str) -> Self {
        let value = json!({
            "summary": summary, "description": description, "parameters": [], "responses": {}
        });
        Self { method, is_list: false, id: None, value }.problems(&ALWAYS)
    }

    /// Says that a caller needs this scope.
    #[must_use]
    pub(crate) fn needs(mut self, scope: &str) -> Self {
        let description = self.value["description"].as_str().unwrap_or_default();
        self.value["description"] = json!(format!("{description} Needs the scope {scope}."));
        self.problems(&[403])
    }

    /// The operation of `Health`; `proved` says what 200 means.
    pub fn health(proved: &str) -> Self {
        let description = format!(
            "200 means that {proved}, now or up to five seconds ago. The check reads no records and \
             is not audited."
        );
        Self::new("get", "Checks whether the API can serve requests.", &description).response(
            200,
            "Healthy.",
            json!({}),
            Some(named("Health")),
        )
    }

    /// Makes it the list operation: the route without its optional last parameter.
    #[must_use]
    pub fn of_the_list(mut self) -> Self {
        self.is_list = true;
        self
    }

    /// Gives it an id other than the function's name.
    #[must_use]
    pub fn called(mut self, id: &'static str) -> Self {
        self.id = Some(id);
        self
    }

    /// The HEAD operation beside this GET: the same statuses and headers, without a body.
    fn head(&self) -> Self {
        let mut head = self.clone();
        head.method = "head";
        head.value["summary"] = json!("Returns the status and headers of GET without the body.");
        head
    }

    /// The operation's id and path, derived from the function's name and route.
    fn id_and_path(&self, name: &str, route: &str) -> (String, String) {
        let (id, path) = match route.rsplit_once('/') {
            Some((list, _)) if self.is_list => (format!("{name}s"), format!("/{list}")),
            _ => (name.to_owned(), format!("/{}", route.replace('?', ""))),
        };
        (self.id.map_or(id, str::to_owned), path)
    }

    fn with_path_parameters(mut self, path: &str, described: &[PathParameter]) -> Self {
        let in_path = path.split(['{', '}']).skip(1).step_by(2).map(|name| {
            let described = described.iter().find(|parameter| parameter.name == name);
            let PathParameter { description, schema, .. } =
                described.expect("every parameter in a path is described");
            json!({
                "name": name, "in": "path", "required": true, "description": description,
                "schema": schema
            })
        });
        if let Some(parameters) = self.value["parameters"].as_array_mut() {
            parameters.splice(0..0, in_path);
        }
        self
    }

    /// Requires a body of this schema.
    #[must_use]
    pub fn body(mut self, schema: &str) -> Self {
        self.value["requestBody"] = json!({"required": true, "content": content(&named(schema))});
        self.problems(&[413, 415])
    }

    /// Returns 201 with a body of this schema, once per `Idempotency-Key`.
    #[must_use]
    pub fn creates(self, schema: &str, mut headers: Value) -> Self {
        headers["Location"] = header("URL of the new record, relative to the request URL.", true);
        headers["Idempotency-Replayed"] =
            header("true if an earlier request created the record.", false);
        let visible = json!({"type": "string", "pattern": IdempotencyKey::PATTERN});
        let once =
            "A repeated request with the same key and body returns the record created first.";
        self.parameter("header", "Idempotency-Key", once, &visible)
            .response(201, "Created.", headers, Some(named(schema)))
            .problems(&[422])
    }

    /// Returns 200 with a body of this schema and its version.
    #[must_use]
    pub fn returns(self, schema: &str) -> Self {
        self.response(200, "The current record.", versioned(), Some(named(schema)))
            .of_one_record()
            .problems(&[404, 410])
    }

    /// Returns 200 with a body of this schema, of a record that never changes.
    #[must_use]
    pub fn returns_unversioned(self, schema: &str) -> Self {
        self.response(200, "The record.", json!({}), Some(named(schema))).problems(&[404])
    }

    /// Returns 200 with a list of this schema.
    #[must_use]
    pub fn returns_all(self, schema: &str) -> Self {
        let list = json!({"type": "array", "items": named(schema)});
        self.response(200, "One for each, in the same order.", json!({}), Some(list))
    }

    /// Returns 304 if the caller has the current version.
    #[must_use]
    pub fn unless_known(self) -> Self {
        self.response(304, "Not modified: the caller has the current version.", versioned(), None)
    }

    /// Writes to a record that other callers may be changing.
    #[must_use]
    pub fn changes(self) -> Self {
        self.problems(&[404, 409])
    }

    /// Returns 204.
    #[must_use]
    pub fn returns_nothing(self) -> Self {
        self.response(204, "Deleted, now or by an earlier request.", json!({}), None)
            .of_one_record()
    }

    /// Returns a page of items of this schema, sorted by id.
    #[must_use]
    pub fn pages(self, schema: &str) -> Self {
        self.pages_by(&json!({"type": "string", "format": "uuid"}), schema)
    }

    /// Returns a page of items of this schema, sorted by a key with the schema `cursor`.
    #[must_use]
    pub fn pages_by(self, cursor: &Value, schema: &str) -> Self {
        let limit = json!({"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT});
        let link = json!({"Link": header("The next page, if there is one (RFC 8288).", false)});
        self.parameter("query", "limit", "Maximum number of items on the page.", &limit)
            .parameter(
                "query",
                "cursor",
                "Position from a Link header; omit it for the first page.",
                cursor,
            )
            .response(
                200,
                "One page of items.",
                link,
                Some(json!({"type": "array", "items": named(schema)})),
            )
    }

    /// Returns the page in another media type too, with a body of this schema, if `Accept` names it.
    #[must_use]
    pub fn also_returns(mut self, media_type: &str, schema: &str) -> Self {
        self.value["responses"]["200"]["content"][media_type] = json!({"schema": named(schema)});
        self
    }

    /// Adds a query parameter that is true or absent.
    #[must_use]
    pub fn flag(self, name: &str, description: &str) -> Self {
        self.parameter("query", name, description, &json!({"type": "string", "enum": ["true"]}))
    }

    /// Adds problems with these statuses.
    #[must_use]
    pub fn problems(mut self, statuses: &[u16]) -> Self {
        for status in statuses {
            let headers = match status {
                409 | 429 | 503 => {
                    json!({"Retry-After": header("Seconds to wait before the next attempt.", true)})
                }
                _ => json!({}),
            };
            self.value["responses"][status.to_string()] = json!({
                "description": meaning(*status),
                "headers": headers,
                "content": {"application/problem+json": {"schema": named("Problem")}}
            });
        }
        self
    }

    /// Adds preconditions, for an operation on one record with a version.
    fn of_one_record(mut self) -> Self {
        self = self.problems(&[412]);
        self.value["responses"]["412"]["headers"] = versioned();
        self.parameter(
            "header",
            "If-Match",
            "Proceed only if the record has one of these versions.",
            &entity_tags(),
        )
        .parameter(
            "header",
            "If-None-Match",
            "Proceed only if the record has none of these versions.",
            &entity_tags(),
        )
    }

    /// Adds what the entry point makes of requests: its refusals, and the header for all functions.
    fn at(self, entry_point: EntryPoint) -> Self {
        match entry_point {
            EntryPoint::Gateway => self.problems(&GATEWAY).parameter(
                "header",
                "X-Purpose-Of-Use",
                "The purpose of the request, which the audit register keeps: a code of HL7's \
                 PurposeOfUse, such as TREAT or ETREAT.",
                &json!({"type": "string", "pattern": PURPOSE_PATTERN}),
            ),
            EntryPoint::Host => self.response(401, meaning(401), json!({}), None),
        }
    }

    fn parameter(mut self, place: &str, name: &str, description: &str, schema: &Value) -> Self {
        if let Some(parameters) = self.value["parameters"].as_array_mut() {
            parameters.push(json!({
                "name": name, "in": place, "description": description, "schema": schema
            }));
        }
        self
    }

    fn response(mut self, status: u16, text: &str, headers: Value, body: Option<Value>) -> Self {
        let mut response = json!({"description": text, "headers": headers});
        if let Some(schema) = body {
            response["content"] = content(&schema);
        }
        self.value["responses"][status.to_string()] = response;
        self
    }
}

impl Serialize for JsonFirst<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => {
                let json = members.get_key_value(JSON);
                let others = members.iter().filter(|(name, _)| *name != JSON);
                let ordered = json.into_iter().chain(others);
                serializer.collect_map(ordered.map(|(name, value)| (name, Self(value))))
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(JsonFirst)),
            other => other.serialize(serializer),
        }
    }
}

/// The header with the version.
pub fn versioned() -> Value {
    json!({"ETag": header("The record's version, in quotes.", true)})
}

/// The description of a problem with this status.
fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request is malformed; errors lists the wrong fields of a body.",
        401 => "The key is missing or wrong.",
        403 => "The quota of the subscription is used up, or the caller lacks permission.",
        404 => "The record or the operation does not exist.",
        409 => "Concurrent writes kept changing the record; nothing was written.",
        410 => "The record was deleted.",
        412 => "A precondition does not hold.",
        413 => "The body is too large.",
        415 => "The media type or encoding of the body is not supported.",
        422 => "The idempotency key was reused with other content.",
        429 => "Too many requests.",
        503 => "The API or one of its dependencies is unavailable.",
        _ => "Internal error.",
    }
}

fn entity_tags() -> Value {
    json!({"type": "string", "pattern": ENTITY_TAGS_PATTERN, "example": "\"1\""})
}

fn header(description: &str, required: bool) -> Value {
    json!({"description": description, "required": required, "schema": {"type": "string"}})
}

fn content(schema: &Value) -> Value {
    json!({JSON: {"schema": schema}})
}

fn named(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// Moves each schema with a title to the components and leaves a reference in its place. Requests
/// and responses share the components, so they are open, as responses must be.
fn extract_components(schema: &mut Value, components: &mut Value) {
    for part in children(schema) {
        extract_components(part, components);
        let title = part.as_object_mut().and_then(|part| match part.get("title") {
            Some(Value::String(_)) => part.remove("title"),
            _ => None,
        });
        if let Some(title) = title.as_ref().and_then(Value::as_str) {
            let mut component = std::mem::replace(part, named(title));
            open(&mut component);
            components[title] = component;
        }
    }
}

/// Allows unknown fields, since later versions may add fields to responses.
fn open(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut()
        && object.get("additionalProperties") == Some(&json!(false))
    {
        object.remove("additionalProperties");
    }
    children(schema).for_each(open);
}

fn children(schema: &mut Value) -> Box<dyn Iterator<Item = &mut Value> + '_> {
    match schema {
        Value::Object(object) => Box::new(object.values_mut()),
        Value::Array(items) => Box::new(items.iter_mut()),
        _ => Box::new(std::iter::empty()),
    }
}

fn without_bodies(operation: &mut Value) {
    for response in children(&mut operation["responses"]) {
        if let Some(response) = response.as_object_mut() {
            response.remove("content");
        }
    }
}

/// The body that `http::problem` and the gateway write.
fn problem_schema(types: &str) -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": text(&format!("The kind of problem, {types}…")),
            "title": text("The kind of problem, in words."),
            "status": {"type": "integer", "description": "The status of the response."},
            "detail": text("What went wrong with this request."),
            "traceId": text("Identifies the request in our logs; quote it in support requests."),
            "errors": {
                "type": "array",
                "description": "The first wrong fields of the body.",
                "maxItems": LISTED_MAX,
                "items": {
                    "type": "object",
                    "required": ["pointer", "detail"],
                    "properties": {
                        "pointer": text("JSON pointer to the field (RFC 6901)."),
                        "detail": text("What is wrong with the field.")
                    }
                }
            }
        }
    })
}
