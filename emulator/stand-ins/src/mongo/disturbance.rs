//! What a proxy does to the writes of all its clients, for load tests.

use std::time::Duration;

use super::held::{Direction, Hold};

/// The commands that write.
const WRITES: [&str; 2] = ["insert", "update"];

/// Of so many writes one is disturbed, so that most requests still succeed.
const PERIOD: usize = 2;

/// Longer than the apps' deadline of 20 seconds.
const DELAY: Duration = Duration::from_secs(25);

/// What happens to every other write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// The server executes it, and its connection is closed instead of the reply.
    LostReplies,
    /// The server executes it, and the reply comes after 25 seconds.
    DelayedReplies,
    /// The server receives it after 25 seconds, even if the client is gone by then.
    DelayedWrites,
}

/// The disturbances that are under way.
#[derive(Debug, Default)]
pub(super) struct Disturbances {
    active: Vec<Disturbance>,
    writes: usize,
}

impl Disturbances {
    pub(super) fn begin(&mut self, disturbance: Disturbance) {
        self.end(disturbance);
        if self.active.is_empty() {
            self.writes = 0;
        }
        self.active.push(disturbance);
    }

    pub(super) fn end(&mut self, disturbance: Disturbance) {
        self.active.retain(|active| *active != disturbance);
    }

    /// Holds this command or its reply back, if it is its turn. Several disturbances take turns.
    pub(super) fn hold(&mut self, command: &str) -> Option<Hold> {
        if self.active.is_empty() || !WRITES.contains(&command) {
            return None;
        }
        self.writes += 1;
        if !self.writes.is_multiple_of(PERIOD) {
            return None;
        }
        let turn = self.writes / PERIOD % self.active.len();
        let disturbance = self.active[turn];
        let direction = match disturbance {
            Disturbance::LostReplies | Disturbance::DelayedReplies => Direction::Reply,
            Disturbance::DelayedWrites => Direction::Command,
        };
        let (hold, held) = Hold::new(command, direction);
        if disturbance == Disturbance::LostReplies {
            held.lose();
        } else {
            tokio::spawn(async move {
                tokio::time::sleep(DELAY).await;
                held.forward();
            });
        }
        Some(hold)
    }
}
