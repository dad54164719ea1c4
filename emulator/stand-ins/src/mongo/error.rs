//! Errors of mongod, worded for the developer.

use std::io;

use mongodb::error::Error as DriverError;
use thiserror::Error;

/// Why a mongod cannot be used.
#[derive(Debug, Error)]
pub enum MongodError {
    /// It is neither installed nor fetched.
    #[error(
        "no mongod found: run scripts/setup, install MongoDB Community 6 or newer so that \
         `mongod` is on PATH, or set MONGO_CONNECTION_STRING"
    )]
    NotFound,
    /// Another process listens on the port.
    #[error("port {0} of 127.0.0.1 is taken, so mongod cannot use it")]
    PortTaken(u16),
    /// The data folder or the process could not be created.
    #[error("mongod cannot be started: {0}")]
    Start(#[from] io::Error),
    /// It ended during start-up.
    #[error("mongod ended while it was starting; its last output:\n{output}")]
    Ended {
        /// The last lines of its console output and log.
        output: String,
    },
    /// It responds but accepts no writes.
    #[error("mongod does not become writable; its last output:\n{output}")]
    NotWritable {
        /// The last lines of its console output and log.
        output: String,
    },
    /// It runs but does not respond.
    #[error("mongod does not respond: {0}")]
    Silent(#[from] DriverError),
    /// Its data has users, but not this administrator, or with another password.
    #[error("mongod rejects its administrator: {0}")]
    Administrator(DriverError),
    /// It was started without an administrator, so access is not restricted.
    #[error("mongod has no users: it was started without an administrator")]
    NoUsers,
    /// A user cannot be created, changed or removed.
    #[error("the user {user} cannot be changed: {cause}")]
    User {
        /// The user's name.
        user: String,
        /// The driver's error.
        cause: DriverError,
    },
}
