//! Why the local stack does not run, in words for the developer.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::mongo::MongodError;

/// Why the system does not run.
#[derive(Debug, Error)]
pub enum LocalStackError {
    /// Something else listens there.
    #[error("port {port} is taken. Choose another one for the {part} with {option}")]
    PortTaken {
        /// What was to listen there.
        part: &'static str,
        /// The port.
        port: u16,
        /// The option of the command line that chooses it.
        option: &'static str,
    },
    /// A packaged app cannot be used.
    #[error("{app} cannot be started from {folder}: {reason}. Run scripts/package", folder = folder.display())]
    Package {
        /// The app's name.
        app: &'static str,
        /// Where it should be.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The keys cannot be read or written.
    #[error("keys cannot be kept in {file}: {cause}", file = file.display())]
    Keys {
        /// The file.
        file: PathBuf,
        /// What went wrong.
        cause: io::Error,
    },
    /// There is no database.
    #[error(transparent)]
    Mongod(#[from] MongodError),
    /// The database refuses to be prepared.
    #[error("collections and indexes cannot be created: {0}")]
    Collections(mongodb::error::Error),
    /// A host does not start.
    #[error("the host of {app} does not start: {cause}")]
    Host {
        /// The app's name.
        app: &'static str,
        /// What went wrong.
        cause: String,
    },
    /// The gateway does not start.
    #[error("the gateway does not start: {0}")]
    Gateway(String),
    /// Everything runs and nothing works.
    #[error("no request works: {0}")]
    NotReady(String),
    /// A part that is needed has ended by itself.
    #[error("{0} has ended")]
    Ended(&'static str),
}
