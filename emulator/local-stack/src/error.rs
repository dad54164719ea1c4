//! Why the local stack does not run, in words for the developer.

use std::io;
use std::path::PathBuf;

use stand_ins::mongo::MongodError;
use thiserror::Error;

/// Why the system does not run.
#[derive(Debug, Error)]
pub enum LocalStackError {
    /// Application Insights does not start.
    #[error("Application Insights' stand-in does not start")]
    AppInsights(#[source] io::Error),
    /// No port is free.
    #[error("no port of this machine can be opened: {0}")]
    NoPort(io::Error),
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
    #[error("{app} cannot be started from {folder}: {reason}. Run scripts/package --debug", folder = folder.display())]
    Package {
        /// The app's name.
        app: &'static str,
        /// Where it should be.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder for data and keys cannot be used.
    #[error("nothing can be kept in {folder}: {cause}", folder = folder.display())]
    State {
        /// The folder.
        folder: PathBuf,
        /// What went wrong.
        cause: io::Error,
    },
    /// The keys cannot be read or written.
    #[error("keys cannot be kept in {file}: {cause}", file = file.display())]
    Keys {
        /// The file.
        file: PathBuf,
        /// What went wrong.
        cause: io::Error,
    },
    /// Key Vault does not start.
    #[error("Key Vault cannot be started: {0}")]
    Vault(io::Error),
    /// Nobody could tell the stack to rotate a key.
    #[error("the socket for scripts/rotate-key cannot be opened: {0}")]
    Control(io::Error),
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

/// Why a secret was not rotated.
#[derive(Debug, Error)]
pub enum RotationError {
    /// The database is not ours.
    #[error(
        "the database was given by MONGO_CONNECTION_STRING, so its users are not ours to change"
    )]
    GivenDatabase,
    /// The hosts have no keys.
    #[error("the apps run under Core Tools, which check no keys")]
    CoreTools,
    /// The new one could not be noted.
    #[error("the new keys cannot be kept: {0}")]
    Keys(io::Error),
    /// The database refuses.
    #[error(transparent)]
    Database(#[from] MongodError),
}
