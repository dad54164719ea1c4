//! The functions, one module each, and the table of them.
//!
//! A new function is a folder with `function.json`, a module, a line in the table, and a file of
//! tests.

pub(crate) mod create_audit_record;
pub(crate) mod health;

use std::pin::Pin;

use shared::Result;
use shared::http::{Request, Response};
use shared::openapi::Group;

use crate::App;

/// A function of this app.
pub(crate) type Function = shared::function::Function<Handler>;

/// What answers a request.
///
/// On the heap also because every future around it would hold its kilobytes twice and copy them.
pub(crate) type Handler =
    for<'a> fn(&'a App, Request) -> Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>>;

/// The table of functions, from which dispatch, `function.json` and `OpenAPI` come.
pub(crate) const FUNCTIONS: [Function; 2] = [create_audit_record::FUNCTION, health::FUNCTION];

const RECORDS: Group = Group { name: "Records", description: "What the register keeps." };
const HEALTH: Group = Group { name: "Health", description: "For monitoring." };

/// Writes the `function.json` of every function to standard output, as one object.
///
/// # Errors
/// If standard output is closed.
pub fn print() -> std::io::Result<()> {
    shared::function::print(&FUNCTIONS)
}
