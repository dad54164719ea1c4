//! Messages that the proxy holds back until a test decides.

use tokio::sync::{oneshot, watch};

/// A command, or the reply to one, that the proxy holds back. Dropping it closes the connection.
#[derive(Debug)]
pub struct Held {
    arrived: watch::Receiver<bool>,
    decision: oneshot::Sender<Decision>,
    executed: oneshot::Receiver<()>,
}

/// What becomes of a message that is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Forward,
    CloseConnection,
}

/// The message to hold back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Command,
    Reply,
}

/// The proxy's side of a [`Held`] message.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) command: String,
    pub(super) direction: Direction,
    arrived: watch::Sender<bool>,
    decision: oneshot::Receiver<Decision>,
    executed: oneshot::Sender<()>,
}

impl Held {
    /// Waits until the proxy has the message. If it is a reply, the server has executed the command
    /// by then.
    ///
    /// # Panics
    /// If the proxy was dropped.
    pub async fn arrived(&mut self) {
        self.arrived.wait_for(|arrived| *arrived).await.expect("the proxy is running");
    }

    /// Forwards the message after all.
    pub fn forward(self) {
        let _ = self.decision.send(Decision::Forward);
    }

    /// Forwards a command after all, and waits until the server has executed it. The client may be
    /// gone.
    ///
    /// # Panics
    /// If the connection to the server ended first.
    pub async fn execute(self) {
        let _ = self.decision.send(Decision::Forward);
        self.executed.await.expect("the server replies to the command");
    }

    /// Closes the connection instead of forwarding the message.
    pub fn lose(self) {
        let _ = self.decision.send(Decision::CloseConnection);
    }
}

impl Hold {
    pub(super) fn new(command: &str, direction: Direction) -> (Self, Held) {
        let (arrived, has_arrived) = watch::channel(false);
        let (decide, decision) = oneshot::channel();
        let (executed, is_executed) = oneshot::channel();
        let hold = Self { command: command.to_owned(), direction, arrived, decision, executed };
        (hold, Held { arrived: has_arrived, decision: decide, executed: is_executed })
    }

    /// Waits for the decision.
    pub(super) async fn decision(&mut self) -> Decision {
        self.arrived.send_replace(true);
        (&mut self.decision).await.unwrap_or(Decision::CloseConnection)
    }

    /// Reports that the server has executed the command.
    pub(super) fn executed(self) {
        let _ = self.executed.send(());
    }
}
