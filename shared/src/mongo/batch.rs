//! Documents that are inserted with one command, and how each of them fares.

use std::sync::{Mutex, PoisonError};

use mongodb::error::{Error as DriverError, ErrorKind, InsertManyError};

use super::retry::Failure;
use crate::Error;

/// How the documents of a command have fared so far, over all attempts.
pub(super) struct Batch(Mutex<Vec<Option<End>>>);

/// How the insert of one document ended.
#[derive(Debug)]
pub(super) enum End {
    Inserted,
    /// There is a document with its identifier.
    Duplicate,
    Failed(Error),
}

impl Batch {
    /// A batch of this many documents.
    pub(super) fn of(documents: usize) -> Self {
        Self(Mutex::new(std::iter::repeat_with(|| None).take(documents).collect()))
    }

    /// The positions of the documents to insert: those that have not ended.
    pub(super) fn waiting(&self) -> Vec<usize> {
        let ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (0..ends.len()).filter(|position| ends[*position].is_none()).collect()
    }

    /// Notes the outcome of an attempt with the documents at these positions. It is an error while
    /// there are documents for which another attempt can help.
    pub(super) fn note(
        &self,
        sent: &[usize],
        outcome: Result<(), DriverError>,
    ) -> Result<(), DriverError> {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Err(error) = outcome else {
            sent.iter().for_each(|position| ends[*position] = Some(End::Inserted));
            return Ok(());
        };
        // Otherwise the command failed as a whole, or is not confirmed by enough servers.
        let ErrorKind::InsertMany(InsertManyError {
            write_errors: Some(errors),
            write_concern_error: None,
            ..
        }) = &*error.kind
        else {
            return Err(error);
        };
        let mut is_done = true;
        for (index, position) in sent.iter().enumerate() {
            let failure = errors.iter().find(|failed| failed.index == index).map(Failure::of_one);
            ends[*position] = match failure {
                None => Some(End::Inserted),
                Some(failure) if failure.is_duplicate() => Some(End::Duplicate),
                Some(failure) if failure.may_pass() => {
                    is_done = false;
                    None
                }
                Some(failure) => Some(End::Failed(failure.into())),
            };
        }
        if is_done { Ok(()) } else { Err(error) }
    }

    /// The end of each document. Those that still wait share the error of the last attempt.
    pub(super) fn into_ends(self, last: Result<(), Error>) -> Vec<End> {
        let ends = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        match last {
            Ok(()) => {
                let known = |end: Option<End>| end.expect("no document waits after a success");
                ends.into_iter().map(known).collect()
            }
            Err(mut error) => {
                let mut next = || {
                    let same = error.of_the_same_command();
                    End::Failed(std::mem::replace(&mut error, same))
                };
                ends.into_iter().map(|end| end.unwrap_or_else(&mut next)).collect()
            }
        }
    }
}
