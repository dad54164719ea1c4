//! Faults that load tests begin and end over the control socket.

use std::sync::Arc;

use stand_ins::functions_host::HandlerProcess;
use stand_ins::mongo::{self, Disturbance, Mongod, MongodError, Proxy};
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
    /// The Patient API's handler is killed; its host restarts it at once, so the fault has no end.
    PatientKilled,
    /// The Audit API's handler is killed; its host restarts it at once, so the fault has no end.
    AuditKilled,
    /// mongod executes writes of which the apps get no reply.
    LostReplies,
    /// mongod executes writes whose replies come after the apps' deadline.
    DelayedReplies,
    /// mongod receives writes after the apps' deadline, and executes them.
    DelayedWrites,
}

/// The parts in which faults are injected.
#[derive(Debug)]
pub(super) struct Faults {
    pub(super) mongod: Option<Arc<Mutex<Mongod>>>,
    pub(super) proxy: Option<Arc<Proxy>>,
    pub(super) patient_handler: Option<HandlerProcess>,
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
    #[error("the handler does not run, or Core Tools run it")]
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
    pub const ALL: [Self; 8] = [
        Self::Throttling,
        Self::AuditHang,
        Self::MongodDown,
        Self::PatientKilled,
        Self::AuditKilled,
        Self::LostReplies,
        Self::DelayedReplies,
        Self::DelayedWrites,
    ];

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
            Self::PatientKilled => "patient-killed",
            Self::AuditKilled => "audit-killed",
            Self::LostReplies => "lost-replies",
            Self::DelayedReplies => "delayed-replies",
            Self::DelayedWrites => "delayed-writes",
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
            Fault::PatientKilled => kill(self.patient_handler.as_ref()),
            Fault::AuditKilled => kill(self.audit_handler.as_ref()),
            Fault::LostReplies => self.disturb(Disturbance::LostReplies),
            Fault::DelayedReplies => self.disturb(Disturbance::DelayedReplies),
            Fault::DelayedWrites => self.disturb(Disturbance::DelayedWrites),
        }
    }

    /// Ends a fault, if it has begun.
    pub(super) async fn end(&self, fault: Fault) -> Result<(), FaultError> {
        match fault {
            Fault::Throttling => {
                let connection_string = self.mongod()?.lock().await.connection_string();
                Ok(mongo::stop_throttling(&connection_string).await?)
            }
            Fault::AuditHang => match self.signal_audit_handler("CONT").await {
                // The process that was stopped has been killed since.
                Err(FaultError::NoHandler) => Ok(()),
                ended => ended,
            },
            Fault::MongodDown => {
                let mut mongod = self.mongod()?.lock().await;
                if mongod.is_killed() {
                    mongod.restart().await?;
                }
                Ok(())
            }
            Fault::PatientKilled | Fault::AuditKilled => Ok(()),
            Fault::LostReplies => self.stop_disturbing(Disturbance::LostReplies),
            Fault::DelayedReplies => self.stop_disturbing(Disturbance::DelayedReplies),
            Fault::DelayedWrites => self.stop_disturbing(Disturbance::DelayedWrites),
        }
    }

    fn mongod(&self) -> Result<&Mutex<Mongod>, FaultError> {
        self.mongod.as_deref().ok_or(FaultError::GivenDatabase)
    }

    fn disturb(&self, disturbance: Disturbance) -> Result<(), FaultError> {
        self.proxy()?.disturb(disturbance);
        Ok(())
    }

    fn stop_disturbing(&self, disturbance: Disturbance) -> Result<(), FaultError> {
        self.proxy()?.stop_disturbing(disturbance);
        Ok(())
    }

    fn proxy(&self) -> Result<&Proxy, FaultError> {
        self.proxy.as_deref().ok_or(FaultError::GivenDatabase)
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

fn kill(handler: Option<&HandlerProcess>) -> Result<(), FaultError> {
    handler.ok_or(FaultError::NoHandler)?.kill();
    Ok(())
}
