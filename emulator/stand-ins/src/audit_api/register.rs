//! The records, and how the next call is to be met.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;

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

/// What became of a record.
#[derive(Debug)]
pub(super) enum Recorded {
    /// The body of the answer.
    Now(Value),
    /// The body of the first answer to the same idempotency key.
    Before(Value),
    /// The idempotency key was used with another body.
    KeyReused,
}

#[derive(Debug)]
pub(super) struct Register {
    behaviour: watch::Sender<Behaviour>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    calls: usize,
    health_calls: Vec<HealthCall>,
    records: Vec<RecordedCall>,
    answers: Vec<Value>,
}

impl Register {
    pub(super) fn new() -> Self {
        Self { behaviour: watch::Sender::new(Behaviour::Record), kept: Mutex::default() }
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        self.behaviour.send_replace(behaviour);
    }

    /// For waiting until the port is to be closed or opened.
    pub(super) fn behaviour(&self) -> watch::Receiver<Behaviour> {
        self.behaviour.subscribe()
    }

    pub(super) fn records(&self) -> Vec<RecordedCall> {
        self.kept().records.clone()
    }

    pub(super) fn calls(&self) -> usize {
        self.kept().calls
    }

    pub(super) fn health_calls(&self) -> Vec<HealthCall> {
        self.kept().health_calls.clone()
    }

    pub(super) fn note_health_call(&self, call: HealthCall) {
        self.kept().health_calls.push(call);
    }

    pub(super) fn count_call(&self) {
        self.kept().calls += 1;
    }

    /// How to meet this call; a behaviour for a number of times has one time less afterwards.
    pub(super) async fn react(&self) -> Reaction {
        loop {
            if let Some(reaction) = self.react_now() {
                return reaction;
            }
            // The sender is our own, so this cannot fail.
            let _ = self.behaviour().wait_for(|behaviour| *behaviour != Behaviour::Hold).await;
        }
    }

    /// The same, unless calls are held at the moment.
    fn react_now(&self) -> Option<Reaction> {
        let mut reaction = None;
        self.behaviour.send_if_modified(|behaviour| {
            let before = *behaviour;
            (reaction, *behaviour) = meet(before);
            *behaviour != before
        });
        reaction
    }

    pub(super) fn record(&self, call: RecordedCall) -> Recorded {
        let mut kept = self.kept();
        let key = call.idempotency_key.as_ref();
        let same_key =
            |earlier: &RecordedCall| key.is_some() && earlier.idempotency_key.as_ref() == key;
        match kept.records.iter().position(same_key) {
            Some(index) if kept.records[index].body == call.body => {
                Recorded::Before(kept.answers[index].clone())
            }
            Some(_) => Recorded::KeyReused,
            None => {
                let answer = answer(&call);
                kept.records.push(call);
                kept.answers.push(answer.clone());
                Recorded::Now(answer)
            }
        }
    }

    /// A panic elsewhere leaves the register as good as it was.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A new record's id, in the form of the real register's.
pub(super) fn new_id() -> String {
    Uuid::now_v7().to_string()
}

fn meet(behaviour: Behaviour) -> (Option<Reaction>, Behaviour) {
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

fn answer(call: &RecordedCall) -> Value {
    let mut answer = Map::new();
    answer.insert("id".to_owned(), Value::from(call.id.as_str()));
    answer.insert("createdDate".to_owned(), Value::from(now()));
    answer.extend(call.body.as_object().cloned().unwrap_or_default());
    Value::from(answer)
}

/// The time as the contract writes it: RFC 3339, milliseconds, `Z`.
fn now() -> String {
    let now = OffsetDateTime::now_utc();
    let (hour, minute, second, millisecond) = now.to_hms_milli();
    let date = now.date();
    format!("{date}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
}
