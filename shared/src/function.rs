//! The declaration of a function, used by the host, the dispatcher and the `OpenAPI` document.

use std::io::Write;

use serde_json::{Map, Value, json};

use crate::http::Request;
use crate::openapi::{Document, Group, Operation};
use crate::{Error, Result};

/// A function; `H` is the type of its handler.
pub struct Function<H> {
    /// The name of its folder in `functions/`; the host calls it by this name.
    pub name: &'static str,
    /// Its methods, in lower case as in `function.json`.
    pub methods: &'static [&'static str],
    /// Its route below the host's prefix. Parameters are in braces; an optional last one has `?`.
    pub route: &'static str,
    /// The query parameters that a request can have.
    pub query: fn(&Request) -> &'static [&'static str],
    /// The handler.
    pub handle: H,
    /// Its group in the `OpenAPI` document.
    pub group: &'static Group,
    /// Its operations in the document, except HEAD.
    pub operations: fn() -> Vec<Operation>,
}

/// [`Function::query`] of a function without query parameters.
pub fn no_query(_: &Request) -> &'static [&'static str] {
    &[]
}

/// Finds the function that the host calls.
///
/// # Errors
/// [`Error::UnknownFunction`]; [`Error::InvalidQuery`] if the request has a query parameter that
/// the function does not take; [`Error::InvalidRequest`] if the purpose of use is not a code.
pub fn find<'a, H>(
    functions: &'a [Function<H>],
    name: &str,
    request: &Request,
) -> Result<&'a Function<H>> {
    let function = functions.iter().find(|function| function.name == name);
    let function = function.ok_or(Error::UnknownFunction)?;
    request.check_query((function.query)(request))?;
    request.check_purpose()?;
    Ok(function)
}

/// Adds the operations of these functions to a document.
#[must_use]
pub fn describe<H>(functions: &[Function<H>], document: Document) -> Document {
    functions.iter().fold(document, |document, function| {
        let Function { name, methods, route, group, operations, .. } = function;
        document.function(group, name, methods, route, operations())
    })
}

/// Writes the contents of each `functions/<name>/function.json` to standard output, as one object
/// with a member per function.
///
/// # Errors
/// If standard output is closed.
pub fn print<H>(functions: &[Function<H>]) -> std::io::Result<()> {
    let files: Map<_, _> =
        functions.iter().map(|function| (function.name.to_owned(), file(function))).collect();
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&files)?)
}

/// The `function.json`. Every function requires a key; `custom_handler` depends on the names of the
/// bindings.
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
