//! The words in which an app describes its operations, as an `OpenAPI` 3.0.3 document.
//!
//! Bodies come from [`validation::describe`](crate::validation::describe); what every operation
//! answers alike (problems, headers, paging) is described here once.

use std::io::Write;

use serde_json::{Value, json};

use crate::http::IDEMPOTENCY_KEY_CHARS_MAX;
use crate::page::{LIMIT_DEFAULT, LIMIT_MAX};
use crate::validation::LISTED_MAX;
use crate::version::ENTITY_TAGS_PATTERN;

/// The statuses that any operation can give: a bad header, a precondition, and what
/// `docs/contract.md` calls throttled, internal and unavailable.
const ALWAYS: [u16; 5] = [400, 412, 429, 500, 503];

/// What a gateway refuses before the app hears of it, as problems.
const GATEWAY: [u16; 4] = [401, 403, 404, 413];

/// An `OpenAPI` document in the making.
pub struct Document {
    value: Value,
    door: Door,
    /// A sentence for each identifier in a path, by its name.
    ids: Vec<(&'static str, &'static str)>,
}

/// Who asks callers for a key, and refuses those without before the app hears of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// API Management, which refuses with problems.
    Gateway,
    /// The Functions host, which refuses without a word.
    Host,
}

/// Operations that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// A sentence about it.
    pub description: &'static str,
}

/// One operation: a function as its callers see it.
#[derive(Clone)]
pub struct Operation {
    method: &'static str,
    /// Whether it is about the list, where the route's last parameter is optional.
    is_list: bool,
    value: Value,
}

impl Document {
    /// A document without operations; the types of its problems begin with `problem_types`.
    pub fn new(
        title: &str,
        description: &str,
        server: &str,
        door: Door,
        problem_types: &str,
    ) -> Self {
        let key = match door {
            Door::Gateway => "Ocp-Apim-Subscription-Key",
            Door::Host => "x-functions-key",
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
        Self { value, door, ids: Vec::new() }
    }

    /// Names the schema of a request's body, with an example that holds to it.
    #[must_use]
    pub fn taken(self, name: &str, schema: Value, example: Value) -> Self {
        self.schema(name, schema, example)
    }

    /// Names the schema of a response's body, with an example that holds to it.
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

    /// Says what the identifier `name` in paths stands for.
    #[must_use]
    pub fn id(mut self, name: &'static str, description: &'static str) -> Self {
        self.ids.push((name, description));
        self
    }

    /// Names the schema of the response to [`Operation::health`].
    #[must_use]
    pub fn with_health(self) -> Self {
        self.returned("Health", json!({"type": "object"}), json!({}))
    }

    /// Adds the operations of a function, and HEAD beside GET if it is one of the methods.
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
            operation.refused_at(self.door).with_ids(path, &self.ids);
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
        let json = serde_json::to_string_pretty(&self.value)?;
        writeln!(std::io::stdout(), "{json}")
    }
}

impl Operation {
    /// An operation of this method, in lower case.
    pub fn new(method: &'static str, summary: &str, description: &str) -> Self {
        let value = json!({
            "summary": summary, "description": description, "parameters": [], "responses": {}
        });
        Self { method, is_list: false, value }.problems(&ALWAYS)
    }

    /// The operation of `Health`: 200 means what `proved` says.
    pub fn health(proved: &str) -> Self {
        let description = format!(
            "200 means that {proved}, now or up to five seconds ago. Nobody's data is touched, and \
             nothing is recorded."
        );
        Self::new("get", "Says whether requests work.", &description).response(
            200,
            "They work.",
            json!({}),
            Some(named("Health")),
        )
    }

    /// The same about the list, which the route means without its optional last parameter.
    #[must_use]
    pub fn of_the_list(mut self) -> Self {
        self.is_list = true;
        self
    }

    /// The HEAD beside this GET: the same statuses and headers, without a body.
    fn head(&self) -> Self {
        let mut head = self.clone();
        head.method = "head";
        head.value["summary"] = json!("Answers as GET does, without the body.");
        head
    }

    /// Its name and its path, made of those of the function.
    fn id_and_path(&self, name: &str, route: &str) -> (String, String) {
        match route.rsplit_once('/') {
            Some((list, _)) if self.is_list => (format!("{name}s"), format!("/{list}")),
            _ => (name.to_owned(), format!("/{}", route.replace('?', ""))),
        }
    }

    fn with_ids(mut self, path: &str, ids: &[(&str, &str)]) -> Self {
        let described = |name: &str| ids.iter().find(|(id, _)| *id == name).map(|(_, text)| *text);
        let in_path = path.split(['{', '}']).skip(1).step_by(2).map(|name| {
            json!({
                "name": name, "in": "path", "required": true, "description": described(name),
                "schema": {"type": "string", "format": "uuid"}
            })
        });
        if let Some(parameters) = self.value["parameters"].as_array_mut() {
            parameters.splice(0..0, in_path);
        }
        self
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
        let once =
            "With the same key and body again, the answer is what was created the first time.";
        self.parameter("header", "Idempotency-Key", once, &visible)
            .response(201, "Created.", headers, Some(named(schema)))
            .problems(&[422])
    }

    /// Answers 200 with a body of this schema and its version.
    #[must_use]
    pub fn returns(self, schema: &str) -> Self {
        self.response(200, "The current record.", versioned(), Some(named(schema)))
            .of_one_record()
            .problems(&[404, 410])
    }

    /// Answers 304 to a caller who holds the version.
    #[must_use]
    pub fn unless_known(self) -> Self {
        self.response(304, "The caller holds this version.", versioned(), None)
    }

    /// Writes to a record that others may be writing to.
    #[must_use]
    pub fn changes(self) -> Self {
        self.problems(&[404, 409])
    }

    /// Answers 204.
    #[must_use]
    pub fn returns_nothing(self) -> Self {
        self.response(204, "Deleted, now or by an earlier request.", json!({}), None)
            .of_one_record()
    }

    /// Answers with a page of items of this schema.
    #[must_use]
    pub fn pages(self, schema: &str) -> Self {
        let limit = json!({"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT});
        let cursor = json!({"type": "string", "format": "uuid"});
        let link = json!({"Link": header("The next page, if there is one (RFC 8288).", false)});
        self.parameter("query", "limit", "The most items of a page.", &limit)
            .parameter("query", "cursor", "Where the page begins, from a Link.", &cursor)
            .response(200, "A page.", link, Some(json!({"type": "array", "items": named(schema)})))
    }

    /// Can answer with problems of these statuses too.
    #[must_use]
    pub fn problems(mut self, statuses: &[u16]) -> Self {
        for status in statuses {
            let headers = match status {
                409 | 429 | 503 => json!({"Retry-After": header("Seconds to wait.", true)}),
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

    /// One record has one version, which preconditions are about.
    fn of_one_record(mut self) -> Self {
        self = self.problems(&[412]);
        self.value["responses"]["412"]["headers"] = versioned();
        self.parameter(
            "header",
            "If-Match",
            "Only if it has one of these versions.",
            &entity_tags(),
        )
        .parameter(
            "header",
            "If-None-Match",
            "Only if it has none of these versions.",
            &entity_tags(),
        )
    }

    fn refused_at(self, door: Door) -> Self {
        match door {
            Door::Gateway => self.problems(&GATEWAY),
            Door::Host => self.response(401, meaning(401), json!({}), None),
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

/// The header that carries a version.
pub fn versioned() -> Value {
    json!({"ETag": header("The version, in quotes.", true)})
}

/// What a problem of this status means.
fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request is malformed; errors lists the wrong fields of a body.",
        401 => "The key is missing or wrong.",
        403 => "The caller may not do this, or not now.",
        404 => "There is no such record, or no such operation.",
        409 => "Others kept changing the record; nothing was written.",
        410 => "It was deleted.",
        412 => "A precondition does not hold.",
        413 => "The body is too large.",
        415 => "The body is of a type or an encoding that is not taken.",
        422 => "The idempotency key was used for other content.",
        429 => "Too many requests.",
        503 => "Something that is needed cannot be reached.",
        _ => "A defect of the API.",
    }
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

/// Puts a reference where a part of a schema has a title, and the part among the components.
/// Requests and answers share those, so they are open like answers.
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

/// Allows fields that are not known yet: an answer of tomorrow may have more than one of today.
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

/// What `http::problem` and the gateway write.
fn problem_schema(types: &str) -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": text(&format!("The kind of problem, {types}…")),
            "title": text("The kind of problem, in words."),
            "status": {"type": "integer", "description": "The status of the answer."},
            "detail": text("What went wrong this time."),
            "traceId": text("Names the request where it was logged."),
            "errors": {
                "type": "array",
                "description": "The first wrong fields of the body.",
                "maxItems": LISTED_MAX,
                "items": {
                    "type": "object",
                    "required": ["pointer", "detail"],
                    "properties": {
                        "pointer": text("Where the field is, as a JSON pointer (RFC 6901)."),
                        "detail": text("What is wrong with it.")
                    }
                }
            }
        }
    })
}
