//! A stand-in for the Audit API that records calls and fails on demand.
//!
//! It replaces the Audit API and its Functions host in the patient app's own tests. They check
//! which calls were recorded, with which headers, and what the app does when recording fails.

mod register;
mod search;
mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use register::Register;
use server::Keys;

/// A running stand-in on a free port, closed when dropped.
pub struct AuditApi {
    address: SocketAddr,
    key: Arc<RwLock<String>>,
    reading_key: Arc<str>,
    register: Arc<Register>,
    serving: AbortHandle,
}

/// One audit record, as the caller sent it.
#[derive(Clone, Debug)]
pub struct RecordedCall {
    /// The id that the register assigned.
    pub id: String,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// The `traceparent` header.
    pub traceparent: Option<String>,
    /// The body as sent, without the fields that the register adds.
    pub body: Value,
}

/// One call of `Health`.
#[derive(Clone, Debug)]
pub struct HealthCall {
    /// The `traceparent` header.
    pub traceparent: Option<String>,
}

/// What happens to the next calls; a call under way keeps the behaviour with which it began. Calls
/// of other functions follow it too: they record nothing, and get 200 where a recording call gets
/// 201.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Behaviour {
    /// Records and returns 201. A repeated `Idempotency-Key` gets the first response again and is
    /// not recorded; with another body it gets 422.
    Record,
    /// Returns this status without recording.
    Status(u16),
    /// Returns this status the given number of times without recording, then [`Behaviour::Record`].
    StatusTimes(u16, usize),
    /// Records and drops the connection without a response the given number of times, then
    /// [`Behaviour::Record`].
    RecordThenDrop(usize),
    /// Accepts the call and never responds.
    Hang,
    /// Accepts the call and holds it until another behaviour is set, which then applies to it.
    Hold,
    /// Returns 201 with a body that is not an audit record, without recording.
    Garbage,
    /// Closes the port; once another behaviour is set, it opens again a moment later.
    Refuse,
}

impl AuditApi {
    /// Starts a stand-in that records.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start() -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a machine has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let key = Arc::new(RwLock::new(uuid::Uuid::new_v4().simple().to_string()));
        let reading_key: Arc<str> = uuid::Uuid::new_v4().simple().to_string().into();
        let register = Arc::new(Register::new());
        let keys = Keys { writing: Arc::clone(&key), reading: Arc::clone(&reading_key) };
        let serving = tokio::spawn(server::serve(listener, keys, Arc::clone(&register)));
        Self { address, key, reading_key, register, serving: serving.abort_handle() }
    }

    /// The full URL of `CreateAuditRecord`.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, server::PATH)
    }

    /// The only `x-functions-key` that `CreateAuditRecord` and `Health` accept; others get 401.
    pub fn key(&self) -> String {
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The only `x-functions-key` that the reading functions accept.
    pub fn reading_key(&self) -> String {
        self.reading_key.to_string()
    }

    /// Makes every record older by this time.
    pub fn age(&self, time: Duration) {
        self.register.age(time);
    }

    /// Adds a record of this time, such as `2026-05-14T15:14:15.120Z`, and returns its id.
    pub fn add(&self, created_date: &str, body: Value) -> String {
        self.register.add(created_date, body)
    }

    /// Replaces the accepted key.
    pub fn accept_only(&self, key: &str) {
        key.clone_into(&mut self.key.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// The recorded calls in order of arrival.
    pub fn records(&self) -> Vec<RecordedCall> {
        self.register.records()
    }

    /// The calls of `Health` with a valid key, regardless of their responses.
    pub fn health_calls(&self) -> Vec<HealthCall> {
        self.register.health_calls()
    }

    /// The number of requests, regardless of their responses.
    pub fn calls(&self) -> usize {
        self.register.calls()
    }

    /// Sets the behaviour for the next calls.
    pub fn behave(&self, behaviour: Behaviour) {
        self.register.behave(behaviour);
    }
}

impl Drop for AuditApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
