//! Why there is no server, in words for the developer.

use std::io;

use mongodb::error::Error as DriverError;
use thiserror::Error;

/// Why there is no server, or why it does not do as it is told.
#[derive(Debug, Error)]
pub enum MongodError {
    /// Neither installed nor fetched.
    #[error(
        "no mongod found: run scripts/setup, install MongoDB Community 6 or newer so that \
         `mongod` is on PATH, or set MONGO_CONNECTION_STRING"
    )]
    NotFound,
    /// Something else listens there.
    #[error("port {0} of 127.0.0.1 is taken, so mongod cannot use it")]
    PortTaken(u16),
    /// The data folder or the process could not be made.
    #[error("mongod cannot be started: {0}")]
    Start(#[from] io::Error),
    /// It ended instead of serving.
    #[error("mongod ended while it was starting; it said last:\n{said}")]
    Ended {
        /// The end of its console output and log.
        said: String,
    },
    /// It answers and takes no writes.
    #[error("mongod does not become writable; it said last:\n{said}")]
    NotWritable {
        /// The end of its console output and log.
        said: String,
    },
    /// It runs and does not answer.
    #[error("mongod does not answer: {0}")]
    Silent(#[from] DriverError),
    /// Its data has users, and the administrator is not one of them or has another password.
    #[error("mongod does not know its administrator: {0}")]
    Administrator(DriverError),
    /// It was started without an administrator, so anyone may do anything.
    #[error("mongod has no users: it was started without an administrator")]
    NoUsers,
    /// A user cannot be changed.
    #[error("the user {user} cannot be changed: {cause}")]
    User {
        /// The user's name.
        user: String,
        /// What the server said.
        cause: DriverError,
    },
}
