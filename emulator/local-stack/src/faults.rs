//! Faults that load tests begin and end over the control socket.

use std::sync::Arc;

use stand_ins::functions_host::HandlerProcess;
use stand_ins::mongo::{self, Mongod, MongodError};
use thiserror::Error;
use tokio::process::Command;
use tokio::sync::Mutex;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Every command on documents fails with the throttling error of Cosmos DB.
    Throttling,
    /// The Audit API's handler accepts calls and does not respond.
    AuditHang,
    /// mongod is killed; at the end of the fault it is restarted with the same data.
    MongodDown,
}

/// The parts in which faults are injected.
#[derive(Debug)]
pub(super) struct Faults {
    pub(super) mongod: Option<Arc<Mutex<Mongod>>>,
    pub(super) audit_handler: Option<HandlerProcess>,
}

/// Why a fault did not begin or end.
#[derive(Debug, Error)]
pub(super) enum FaultError {
    #[error("there is no such fault")]
    Unknown,
    #[error("the server was started without --faults")]
    NotAllowed,
    #[error("the database was given by MONGO_CONNECTION_STRING, so it is not ours to break")]
    GivenDatabase,
    #[error("the Audit API's handler does not run, or Core Tools run it")]
    NoHandler,
    #[error("the handler cannot be signalled")]
    Signal,
    #[error("the database does not take the fault: {0}")]
    FailPoint(#[from] mongodb::error::Error),
    #[error(transparent)]
    Mongod(#[from] MongodError),
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 3] = [Self::Throttling, Self::AuditHang, Self::MongodDown];

    /// The fault of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// Its name on the socket.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throttling => "throttling",
            Self::AuditHang => "audit-hang",
            Self::MongodDown => "mongod-down",
        }
    }
}

impl Faults {
    /// Begins a fault, which lasts until it is ended.
    pub(super) async fn begin(&self, fault: Fault) -> Result<(), FaultError> {
        match fault {
            Fault::Throttling => {
                let connection_string = self.mongod()?.lock().await.connection_string();
                Ok(mongo::throttle(&connection_string).await?)
            }
            Fault::AuditHang => self.signal_audit_handler("STOP").await,
            Fault::MongodDown => {
                self.mongod()?.lock().await.kill();
                Ok(())
            }
        }
    }

    /// Ends a fault, if it has begun.
    pub(super) async fn end(&self, fault: Fault) -> Result<(), FaultError> {
        match fault {
            Fault::Throttling => {
                let connection_string = self.mongod()?.lock().await.connection_string();
                Ok(mongo::stop_throttling(&connection_string).await?)
            }
            Fault::AuditHang => self.signal_audit_handler("CONT").await,
            Fault::MongodDown => {
                let mut mongod = self.mongod()?.lock().await;
                if mongod.is_killed() {
                    mongod.restart().await?;
                }
                Ok(())
            }
        }
    }

    fn mongod(&self) -> Result<&Mutex<Mongod>, FaultError> {
        self.mongod.as_deref().ok_or(FaultError::GivenDatabase)
    }

    async fn signal_audit_handler(&self, signal: &str) -> Result<(), FaultError> {
        let process = self.audit_handler.as_ref().and_then(HandlerProcess::id);
        let process = process.ok_or(FaultError::NoHandler)?.to_string();
        let status = Command::new("kill").args(["-s", signal, &process]).status().await;
        match status.is_ok_and(|status| status.success()) {
            true => Ok(()),
            false => Err(FaultError::Signal),
        }
    }
}
