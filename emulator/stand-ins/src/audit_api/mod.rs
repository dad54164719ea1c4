//! An Audit API that keeps what it is told and misbehaves when asked to.
//!
//! It stands in for the real one behind its Functions host, for tests of the patient app alone:
//! what was recorded, with which headers, and what the app does when recording goes wrong.

mod register;
mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use register::Register;

/// A running Audit API on a port of its own, closed when dropped.
pub struct AuditApi {
    address: SocketAddr,
    key: Arc<RwLock<String>>,
    register: Arc<Register>,
    serving: AbortHandle,
}

/// One audit record, as the caller sent it.
#[derive(Clone, Debug)]
pub struct RecordedCall {
    /// The id that the record was given.
    pub id: String,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// The `traceparent` header.
    pub traceparent: Option<String>,
    /// The body, without what the register adds.
    pub body: Value,
}

/// One question whether it is healthy.
#[derive(Clone, Debug)]
pub struct HealthCall {
    /// The `traceparent` header.
    pub traceparent: Option<String>,
}

/// What the next calls meet with, those of `Health` included, which records nothing and answers 200
/// where this says 201 and a record; a call that is being answered keeps the behaviour it met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Behaviour {
    /// Records and answers 201; a repeated `Idempotency-Key` is answered the same and not
    /// recorded again, or with 422 if the body differs.
    Record,
    /// Answers this status without recording.
    Status(u16),
    /// Answers this status so many times without recording, then is as [`Behaviour::Record`].
    StatusTimes(u16, usize),
    /// Records so many times and drops the connection without an answer, then is as
    /// [`Behaviour::Record`].
    RecordThenDrop(usize),
    /// Takes the call and never answers.
    Hang,
    /// Takes the call and treats it as the behaviour says that is chosen after this one.
    Hold,
    /// Answers 201 with a body that is no audit record, without recording.
    Garbage,
    /// Closes its port. After another behaviour is chosen, it is open again a moment later.
    Refuse,
}

impl AuditApi {
    /// Starts one that behaves well.
    ///
    /// # Panics
    /// If the machine has no port left.
    pub async fn start() -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a machine has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let key = Arc::new(RwLock::new(uuid::Uuid::new_v4().simple().to_string()));
        let register = Arc::new(Register::new());
        let serving =
            tokio::spawn(server::serve(listener, Arc::clone(&key), Arc::clone(&register)));
        Self { address, key, register, serving: serving.abort_handle() }
    }

    /// The full URL of `CreateAuditRecord`.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, server::PATH)
    }

    /// The only `x-functions-key` that it accepts; others are answered 401.
    pub fn key(&self) -> String {
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Accepts this key and no longer the one before.
    pub fn accept_only(&self, key: &str) {
        key.clone_into(&mut self.key.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Every record, in the order of arrival.
    pub fn records(&self) -> Vec<RecordedCall> {
        self.register.records()
    }

    /// Every question with a good key whether it is healthy, whatever became of it.
    pub fn health_calls(&self) -> Vec<HealthCall> {
        self.register.health_calls()
    }

    /// How many requests arrived, whatever became of them.
    pub fn calls(&self) -> usize {
        self.register.calls()
    }

    /// Behaves differently from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.register.behave(behaviour);
    }
}

impl Drop for AuditApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
