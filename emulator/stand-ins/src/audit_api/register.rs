//! The recorded calls and the behaviour for the next one.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::watch;
use uuid::Uuid;

use super::search::{Page, search};
use super::{Behaviour, HealthCall, RecordedCall};

/// What the server does with one call.
#[derive(Debug, PartialEq)]
pub(super) enum Reaction {
    Record { then_drop: bool },
    Status(u16),
    Hang,
    Garbage,
    Refuse,
}

/// The outcome of recording a call.
#[derive(Debug)]
pub(super) enum Recorded {
    /// A new record; this is the body of the response.
    New(Value),
    /// The idempotency key was used before; this is the body of the first response.
    Replayed(Value),
    /// The idempotency key was used with another body.
    KeyReused,
}

#[derive(Debug)]
pub(super) struct Register {
    behaviour: watch::Sender<Behaviour>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: usize,
    health_calls: Vec<HealthCall>,
    records: Vec<RecordedCall>,
    responses: Vec<Value>,
}

impl Register {
    pub(super) fn new() -> Self {
        Self { behaviour: watch::Sender::new(Behaviour::Record), state: Mutex::default() }
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        self.behaviour.send_replace(behaviour);
    }

    /// For waiting until the port must be closed or opened.
    pub(super) fn behaviour(&self) -> watch::Receiver<Behaviour> {
        self.behaviour.subscribe()
    }

    pub(super) fn records(&self) -> Vec<RecordedCall> {
        self.state().records.clone()
    }

    pub(super) fn calls(&self) -> usize {
        self.state().calls
    }

    pub(super) fn health_calls(&self) -> Vec<HealthCall> {
        self.state().health_calls.clone()
    }

    pub(super) fn record_health_call(&self, call: HealthCall) {
        self.state().health_calls.push(call);
    }

    pub(super) fn count_call(&self) {
        self.state().calls += 1;
    }

    /// What to do with this call; decrements a behaviour that has a count.
    pub(super) async fn react(&self) -> Reaction {
        loop {
            if let Some(reaction) = self.react_now() {
                return reaction;
            }
            // The sender is our own, so this cannot fail.
            let _ = self.behaviour().wait_for(|behaviour| *behaviour != Behaviour::Hold).await;
        }
    }

    /// `None` while calls are held.
    fn react_now(&self) -> Option<Reaction> {
        let mut reaction = None;
        self.behaviour.send_if_modified(|behaviour| {
            let before = *behaviour;
            (reaction, *behaviour) = next_reaction(before);
            *behaviour != before
        });
        reaction
    }

    pub(super) fn record(&self, call: RecordedCall) -> Recorded {
        let mut state = self.state();
        let key = call.idempotency_key.as_ref();
        let same_key =
            |earlier: &RecordedCall| key.is_some() && earlier.idempotency_key.as_ref() == key;
        match state.records.iter().position(same_key) {
            Some(index) if state.records[index].body == call.body => {
                Recorded::Replayed(state.responses[index].clone())
            }
            Some(_) => Recorded::KeyReused,
            None => {
                let response = record_body(&call, &text(OffsetDateTime::now_utc()));
                state.records.push(call);
                state.responses.push(response.clone());
                Recorded::New(response)
            }
        }
    }

    /// Adds a record of this time.
    pub(super) fn add(&self, created_date: &str, body: Value) -> String {
        let id = new_id();
        let call = RecordedCall { id: id.clone(), idempotency_key: None, traceparent: None, body };
        let mut state = self.state();
        state.responses.push(record_body(&call, created_date));
        state.records.push(call);
        id
    }

    /// Makes every record older by this time.
    pub(super) fn age(&self, time: Duration) {
        for record in &mut self.state().responses {
            let created = record["createdDate"].as_str().expect("every record has a date");
            let created = OffsetDateTime::parse(created, &Rfc3339).expect("its form is right");
            record["createdDate"] = Value::from(text(created - time));
        }
    }

    /// The record with this id, as the register returns it.
    pub(super) fn find(&self, id: &str) -> Option<Value> {
        self.state().responses.iter().find(|record| record["id"] == id).cloned()
    }

    /// One page of the records that match; `None` if the search is refused.
    pub(super) fn search(
        &self,
        criteria: &Value,
        cursor: Option<&str>,
        limit: usize,
    ) -> Option<Page> {
        search(&self.state().responses, criteria, cursor, limit)
    }

    /// The state is valid after a panic elsewhere.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A new id in the format of the real Audit API.
pub(super) fn new_id() -> String {
    Uuid::now_v7().to_string()
}

fn next_reaction(behaviour: Behaviour) -> (Option<Reaction>, Behaviour) {
    let record = Reaction::Record { then_drop: false };
    let (reaction, behaviour) = match behaviour {
        Behaviour::Hold => return (None, behaviour),
        Behaviour::Record | Behaviour::StatusTimes(_, 0) | Behaviour::RecordThenDrop(0) => {
            (record, Behaviour::Record)
        }
        Behaviour::StatusTimes(status, times) => {
            let rest = Behaviour::StatusTimes(status, times - 1);
            (Reaction::Status(status), rest)
        }
        Behaviour::RecordThenDrop(times) => {
            let rest = Behaviour::RecordThenDrop(times - 1);
            (Reaction::Record { then_drop: true }, rest)
        }
        Behaviour::Status(status) => (Reaction::Status(status), behaviour),
        Behaviour::Hang => (Reaction::Hang, behaviour),
        Behaviour::Garbage => (Reaction::Garbage, behaviour),
        Behaviour::Refuse => (Reaction::Refuse, behaviour),
    };
    (Some(reaction), behaviour)
}

fn record_body(call: &RecordedCall, created_date: &str) -> Value {
    let mut response = Map::new();
    response.insert("id".to_owned(), Value::from(call.id.as_str()));
    response.insert("createdDate".to_owned(), Value::from(created_date));
    response.extend(call.body.as_object().cloned().unwrap_or_default());
    Value::from(response)
}

/// A time in the contract's format: RFC 3339, milliseconds, `Z`.
fn text(moment: OffsetDateTime) -> String {
    let (hour, minute, second, millisecond) = moment.to_hms_milli();
    let date = moment.date();
    format!("{date}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
}
