//! The functions, one module each, and the table of them.
//!
//! A handler parses the request, calls the audit register, acts, and responds. A new function needs
//! a folder with `function.json`, a module, a line in the table, and a file of tests.

pub(crate) mod create_medical_test;
pub(crate) mod create_patient;
pub(crate) mod delete_medical_test;
pub(crate) mod delete_patient;
pub(crate) mod health;
pub(crate) mod load_access_log;
pub(crate) mod load_audit_record;
pub(crate) mod load_medical_test;
pub(crate) mod load_medical_test_history;
pub(crate) mod load_patient;
pub(crate) mod load_patient_history;
pub(crate) mod load_reconciliation;
pub(crate) mod reconcile_writes;
pub(crate) mod restore_medical_test;
pub(crate) mod restore_patient;
pub(crate) mod search_audit_records;
pub(crate) mod search_patient;
pub(crate) mod update_medical_test;
pub(crate) mod update_patient;

use std::pin::Pin;

use serde::Serialize;
use shared::custom_handler::TimerRun;
use shared::http::{Request, Response};
use shared::openapi::Group;
use shared::{ClientCopy, Deadline, Error, Id, Preconditions, Result, Version, page};
use tokio::join;

use crate::App;
use crate::audit::{Audited, Disclosure, Resource, Written};
use crate::ids::PatientId;
use crate::patient::Patient;
use crate::versioned::Changed;

/// A function of this app.
pub(crate) type Function = shared::function::Function<Handler>;

/// A function of this app that runs on a schedule.
pub(crate) type TimerFunction = shared::function::TimerFunction<TimerHandler>;

/// How a function handles requests.
pub(crate) struct Handler {
    /// What a request is about, for the record of a caller who may not make it.
    pub(crate) attempt: Resource,
    /// Handles a request; returns only responses that the audit module released.
    ///
    /// Boxed: the futures around it would otherwise hold its kilobytes twice and copy them.
    pub(crate) run: for<'a> fn(&'a App, Request) -> Running<'a, Audited>,
}

/// The run of a handler.
type Running<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Handles a run on a schedule.
pub(crate) type TimerHandler = for<'a> fn(&'a App, TimerRun) -> Running<'a, ()>;

/// The table of functions, from which dispatch, `function.json` and `OpenAPI` are derived, in the
/// order in which the host tries their routes.
pub(crate) static FUNCTIONS: [Function; 18] = [
    create_patient::FUNCTION,
    create_medical_test::FUNCTION,
    delete_patient::FUNCTION,
    delete_medical_test::FUNCTION,
    health::FUNCTION,
    load_access_log::FUNCTION,
    load_audit_record::FUNCTION,
    load_patient::FUNCTION,
    load_patient_history::FUNCTION,
    load_medical_test::FUNCTION,
    load_medical_test_history::FUNCTION,
    load_reconciliation::FUNCTION,
    restore_patient::FUNCTION,
    restore_medical_test::FUNCTION,
    search_audit_records::FUNCTION,
    search_patient::FUNCTION,
    update_patient::FUNCTION,
    update_medical_test::FUNCTION,
];

/// The table of functions that run on a schedule.
pub(crate) static TIMERS: [TimerFunction; 1] = [reconcile_writes::FUNCTION];

const PATIENTS: Group = Group { name: "Patients", description: "Patients and patient search." };
const TESTS: Group = Group { name: "Tests", description: "Results of medical tests." };
const REGISTER: Group = Group { name: "Register", description: "The audit register." };
const HEALTH: Group = Group { name: "Health", description: "Monitoring." };

/// Writes the `function.json` of every function to standard output, as one object.
///
/// # Errors
/// If standard output is closed.
pub fn print() -> std::io::Result<()> {
    let files = FUNCTIONS.iter().map(Function::file);
    shared::function::print(files.chain(TIMERS.iter().map(TimerFunction::file)))
}

/// Returns one record, or 304, after checking the preconditions.
fn one_record<K>(
    record: &impl Serialize,
    id: Id<K>,
    version: Version,
    preconditions: &Preconditions,
) -> Result<Disclosure> {
    Ok(match preconditions.check_read(version)? {
        ClientCopy::Current => Disclosure::nothing(Response::not_modified(version)),
        ClientCopy::Outdated => {
            Disclosure::one(id, version, Response::ok(record).with_version(version))
        }
    })
}

/// The version in the path, of a record that is read; a malformed one does not exist.
fn version_param(text: &str) -> Result<Version> {
    Version::parse(text).ok_or(Error::NotFound)
}

/// The response to a change of a record: 200 with the record and its version.
fn changed<K, T: Serialize>(
    id: Id<K>,
    changed: Changed<T>,
    version: impl FnOnce(&T) -> Version,
) -> Written {
    let response = |record: &T| Response::ok(record).with_version(version(record));
    match changed {
        Changed::Written(record) => Written::changed(response(&record)),
        Changed::Unchanged(record) => Written::unchanged([id], response(&record)),
    }
}

/// The response to a deletion: 204, whether or not the record was deleted before.
fn deleted<T>(changed: Changed<T>) -> Written {
    match changed {
        Changed::Written(_) => Written::changed(Response::no_content()),
        Changed::Unchanged(_) => Written::unchanged::<()>([], Response::no_content()),
    }
}

/// The query parameters of a function that returns a list, or one item if the path has `item`: only
/// the list has pages.
fn pages_without(item: &str, request: &Request) -> &'static [&'static str] {
    match request.param(item) {
        Some(_) => &[],
        None => page::PARAMETERS,
    }
}

/// The outcome of `work` on a test, during which the patient is looked up, unless the patient was
/// deleted.
async fn beside_patient<T>(
    app: &App,
    patient_id: PatientId,
    deadline: Deadline,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let (patient, outcome) = join!(app.patients.find(patient_id, deadline), work);
    unless_patient_deleted(patient).and(outcome)
}

/// A test is accessible unless its patient was deleted. A patient who never existed is no obstacle:
/// the scaffold stored tests without checking.
fn unless_patient_deleted(patient: Result<Patient>) -> Result<()> {
    match patient {
        Ok(_) | Err(Error::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}
