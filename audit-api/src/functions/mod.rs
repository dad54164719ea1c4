//! The functions, one module each, and the table of them.
//!
//! A new function needs a folder with `function.json`, a module, a line in the table, and a file of
//! tests.

pub(crate) mod create_audit_record;
pub(crate) mod create_audit_records;
pub(crate) mod health;
pub(crate) mod load_audit_record;
pub(crate) mod search_audit_records;

use std::pin::Pin;

use shared::Result;
use shared::http::{Request, Response};
use shared::openapi::Group;

use crate::App;

/// A function of this app.
pub(crate) type Function = shared::function::Function<Handler>;

/// Handles a request.
///
/// Boxed: the futures around it would otherwise hold its kilobytes twice and copy them.
pub(crate) type Handler =
    for<'a> fn(&'a App, Request) -> Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>>;

/// The table of functions, from which dispatch, `function.json` and `OpenAPI` are derived.
pub(crate) const FUNCTIONS: [Function; 5] = [
    create_audit_record::FUNCTION,
    create_audit_records::FUNCTION,
    search_audit_records::FUNCTION,
    load_audit_record::FUNCTION,
    health::FUNCTION,
];

const RECORDS: Group = Group { name: "Records", description: "Audit records." };
const HEALTH: Group = Group { name: "Health", description: "Monitoring." };

/// Writes the `function.json` of every function to standard output, as one object.
///
/// # Errors
/// If standard output is closed.
pub fn print() -> std::io::Result<()> {
    shared::function::print(FUNCTIONS.iter().map(Function::file))
}
