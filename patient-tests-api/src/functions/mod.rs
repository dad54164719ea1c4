//! The functions, one module each: parse, tell the audit register, act, answer.

pub(crate) mod create_patient;
pub(crate) mod create_test;
pub(crate) mod delete_patient;
pub(crate) mod delete_test;
pub(crate) mod load_patient;
pub(crate) mod load_test;
pub(crate) mod search_patient;
pub(crate) mod update_patient;
pub(crate) mod update_test;

use shared::{Error, Result};

use crate::patient::Patient;

/// A test can be reached unless its patient was deleted. A patient who was never there does not
/// stand in the way: the scaffold stored tests without looking.
fn unless_patient_deleted(patient: Result<Patient>) -> Result<()> {
    match patient {
        Ok(_) | Err(Error::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}
