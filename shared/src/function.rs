//! A function of an app, declared once: for the host, for the dispatch, and for the `OpenAPI`
//! document.

use std::io::Write;

use serde_json::{Map, Value, json};

use crate::http::Request;
use crate::openapi::{Document, Group, Operation};

/// A function; `H` is how the app calls its handler.
pub struct Function<H> {
    /// The name of its folder in `functions/`, by which the host calls it.
    pub name: &'static str,
    /// Its methods, in lower case as in `function.json`.
    pub methods: &'static [&'static str],
    /// Its route below the host's prefix; parameters are in braces, an optional last one with `?`.
    pub route: &'static str,
    /// The query parameters that a request may have.
    pub query: fn(&Request) -> &'static [&'static str],
    /// What answers its requests.
    pub handle: H,
    /// Where the document lists it.
    pub group: &'static Group,
    /// What the document says of it, HEAD beside GET left out.
    pub operations: fn() -> Vec<Operation>,
}

/// The value of [`Function::query`] for a function without query parameters.
pub fn no_query(_: &Request) -> &'static [&'static str] {
    &[]
}

/// Adds the operations of all these functions to a document.
#[must_use]
pub fn describe<H>(functions: &[Function<H>], document: Document) -> Document {
    functions.iter().fold(document, |document, function| {
        let Function { name, methods, route, group, operations, .. } = function;
        document.function(group, name, methods, route, operations())
    })
}

/// Writes what must stand in `functions/<name>/function.json` to standard output: an object with a
/// member for each function.
///
/// # Errors
/// If standard output is closed.
pub fn print<H>(functions: &[Function<H>]) -> std::io::Result<()> {
    let files: Map<_, _> =
        functions.iter().map(|function| (function.name.to_owned(), file(function))).collect();
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&files)?)
}

/// The `function.json`: every function needs a key, and its bindings have the names that
/// `custom_handler` knows.
fn file<H>(function: &Function<H>) -> Value {
    json!({
        "bindings": [
            {
                "type": "httpTrigger", "direction": "in", "name": "req", "authLevel": "function",
                "methods": function.methods, "route": function.route
            },
            {"type": "http", "direction": "out", "name": "res"}
        ]
    })
}
