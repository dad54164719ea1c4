//! The functions, one module each: parse, tell the audit register, act, answer.

pub(crate) mod create_patient;
pub(crate) mod create_test;
pub(crate) mod delete_patient;
pub(crate) mod delete_test;
pub(crate) mod health;
pub(crate) mod load_patient;
pub(crate) mod load_test;
pub(crate) mod search_patient;
pub(crate) mod update_patient;
pub(crate) mod update_test;

use serde::Serialize;
use shared::http::Response;
use shared::{ClientCopy, Error, Id, Preconditions, Result, Version};

use crate::audit::Disclosure;
use crate::patient::Patient;

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
