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
    /// The scope that a caller needs, if any.
    pub scope: Option<&'static str>,
    /// The query parameters that a request can have.
    pub query: fn(&Request) -> &'static [&'static str],
    /// The handler.
    pub handle: H,
    /// Its group in the `OpenAPI` document.
    pub group: &'static Group,
    /// Its operations in the document, except HEAD.
    pub operations: fn() -> Vec<Operation>,
}

/// A function that the host starts on a schedule; `H` is the type of its handler.
pub struct TimerFunction<H> {
    /// The name of its folder in `functions/`; the host calls it by this name.
    pub name: &'static str,
    /// When it runs, in the host's format with six fields, of which the first is the second.
    pub schedule: &'static str,
    /// The handler.
    pub handle: H,
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

/// Finds the function that the host calls on a schedule.
///
/// # Errors
/// [`Error::UnknownFunction`].
pub fn find_timer<'a, H>(
    functions: &'a [TimerFunction<H>],
    name: &str,
) -> Result<&'a TimerFunction<H>> {
    functions.iter().find(|function| function.name == name).ok_or(Error::UnknownFunction)
}

/// Adds the operations of these functions to a document.
#[must_use]
pub fn describe<H>(functions: &[Function<H>], document: Document) -> Document {
    functions.iter().fold(document, |document, function| {
        let Function { name, methods, route, scope, group, operations, .. } = function;
        let operations = operations().into_iter().map(|operation| match scope {
            Some(scope) => operation.needs(scope),
            None => operation,
        });
        document.function(group, name, methods, route, operations.collect())
    })
}

/// A `functions/<name>/function.json`: the function's name and the contents.
pub type FunctionFile = (&'static str, Value);

/// Writes these files to standard output, as one object with a member per function.
///
/// # Errors
/// If standard output is closed.
pub fn print(files: impl IntoIterator<Item = FunctionFile>) -> std::io::Result<()> {
    let files: Map<_, _> =
        files.into_iter().map(|(name, contents)| (name.to_owned(), contents)).collect();
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&files)?)
}

// `custom_handler` depends on the names of the bindings.

impl<H> Function<H> {
    /// The `function.json`. Every function requires a key.
    pub fn file(&self) -> FunctionFile {
        let contents = json!({
            "bindings": [
                {
                    "type": "httpTrigger", "direction": "in", "name": "req",
                    "authLevel": "function", "methods": self.methods, "route": self.route
                },
                {"type": "http", "direction": "out", "name": "res"}
            ]
        });
        (self.name, contents)
    }
}

impl<H> TimerFunction<H> {
    /// The `function.json`.
    pub fn file(&self) -> FunctionFile {
        let contents = json!({
            "bindings": [
                {
                    "type": "timerTrigger", "direction": "in", "name": "timer",
                    "schedule": self.schedule
                }
            ]
        });
        (self.name, contents)
    }
}
