//! Errors of the local stack, worded for the developer.

use std::io;
use std::path::PathBuf;

use stand_ins::mongo::MongodError;
use thiserror::Error;

/// Why the local stack does not run.
#[derive(Debug, Error)]
pub enum LocalStackError {
    /// Application Insights does not start.
    #[error("Application Insights' stand-in does not start")]
    AppInsights(#[source] io::Error),
    /// No port is free.
    #[error("no port of this machine can be opened: {0}")]
    NoPort(io::Error),
    /// A port is taken.
    #[error("port {port} is taken. Choose another one for the {part} with {option}")]
    PortTaken {
        /// The part that needs the port.
        part: &'static str,
        /// The port.
        port: u16,
        /// The command-line option for the port.
        option: &'static str,
    },
    /// A packaged app cannot be used.
    #[error("{app} cannot be started from {folder}: {reason}. Run scripts/package --debug", folder = folder.display())]
    Package {
        /// The app's name.
        app: &'static str,
        /// Its folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The state folder cannot be used.
    #[error("nothing can be kept in {folder}: {cause}", folder = folder.display())]
    State {
        /// The folder.
        folder: PathBuf,
        /// The cause.
        cause: io::Error,
    },
    /// The keys cannot be read or written.
    #[error("keys cannot be kept in {file}: {cause}", file = file.display())]
    Keys {
        /// The file.
        file: PathBuf,
        /// The cause.
        cause: io::Error,
    },
    /// Key Vault does not start.
    #[error("Key Vault cannot be started: {0}")]
    Vault(io::Error),
    /// The control socket cannot be opened.
    #[error("the socket for scripts/rotate-key cannot be opened: {0}")]
    Control(io::Error),
    /// mongod does not run.
    #[error(transparent)]
    Mongod(#[from] MongodError),
    /// Collections or indexes cannot be created.
    #[error("collections and indexes cannot be created: {0}")]
    Collections(mongodb::error::Error),
    /// A host does not start.
    #[error("the host of {app} does not start: {cause}")]
    Host {
        /// The app's name.
        app: &'static str,
        /// The cause.
        cause: String,
    },
    /// The gateway does not start.
    #[error("the gateway does not start: {0}")]
    Gateway(String),
    /// Everything runs, but requests fail.
    #[error("no request works: {0}")]
    NotReady(String),
    /// A required part has ended by itself.
    #[error("{0} has ended")]
    Ended(&'static str),
}

/// Why a secret was not rotated.
#[derive(Debug, Error)]
pub enum RotationError {
    /// The stack did not start the database.
    #[error(
        "the database was given by MONGO_CONNECTION_STRING, so its users are not ours to change"
    )]
    GivenDatabase,
    /// The hosts have no keys.
    #[error("the apps run under Core Tools, which check no keys")]
    CoreTools,
    /// The new keys could not be written.
    #[error("the new keys cannot be kept: {0}")]
    Keys(io::Error),
    /// The database command failed.
    #[error(transparent)]
    Database(#[from] MongodError),
}
