//! The functions, one module each, and the table of them.
//!
//! A handler parses, tells the audit register, acts, and answers. A new function is a folder with
//! `function.json`, a module, a line in the table, and a file of tests.

pub(crate) mod create_medical_test;
pub(crate) mod create_patient;
pub(crate) mod delete_medical_test;
pub(crate) mod delete_patient;
pub(crate) mod health;
pub(crate) mod load_medical_test;
pub(crate) mod load_patient;
pub(crate) mod search_patient;
pub(crate) mod update_medical_test;
pub(crate) mod update_patient;

use std::pin::Pin;

use serde::Serialize;
use shared::http::{Request, Response};
use shared::openapi::Group;
use shared::{ClientCopy, Error, Id, Preconditions, Result, Version};

use crate::App;
use crate::audit::{Audited, Disclosure};
use crate::patient::Patient;

/// A function of this app.
pub(crate) type Function = shared::function::Function<Handler>;

/// What answers a request: only what the audit module has let go.
///
/// On the heap also because every future around it would hold its kilobytes twice and copy them.
pub(crate) type Handler =
    for<'a> fn(&'a App, Request) -> Pin<Box<dyn Future<Output = Result<Audited>> + Send + 'a>>;

/// The table of functions, from which dispatch, `function.json` and `OpenAPI` come; in the order in
/// which the host tries them.
pub(crate) const FUNCTIONS: [Function; 10] = [
    create_patient::FUNCTION,
    create_medical_test::FUNCTION,
    delete_patient::FUNCTION,
    delete_medical_test::FUNCTION,
    health::FUNCTION,
    load_patient::FUNCTION,
    load_medical_test::FUNCTION,
    search_patient::FUNCTION,
    update_patient::FUNCTION,
    update_medical_test::FUNCTION,
];

const PATIENTS: Group = Group { name: "Patients", description: "People, and how to find them." };
const TESTS: Group =
    Group { name: "Tests", description: "What laboratories found out about patients." };
const HEALTH: Group = Group { name: "Health", description: "For monitoring." };

/// Writes the `function.json` of every function to standard output, as one object.
///
/// # Errors
/// If standard output is closed.
pub fn print() -> std::io::Result<()> {
    shared::function::print(&FUNCTIONS)
}

/// One record, unless the client wants another version or holds this one already.
fn one_record<K>(
    record: &impl Serialize,
    id: Id<K>,
    version: Version,
    preconditions: &Preconditions,
) -> Result<Disclosure> {
    Ok(match preconditions.check_read(version)? {
        ClientCopy::Current => Disclosure::nothing(Response::not_modified(version)),
        ClientCopy::Outdated => Disclosure::of([id], Response::ok(record).with_version(version)),
    })
}

/// A test can be reached unless its patient was deleted. A patient who was never there does not
/// stand in the way: the scaffold stored tests without looking.
fn unless_patient_deleted(patient: Result<Patient>) -> Result<()> {
    match patient {
        Ok(_) | Err(Error::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}
