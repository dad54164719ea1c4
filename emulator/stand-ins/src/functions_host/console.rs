//! The handler's console output and invocation logs, with the levels that the host assigns.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

/// The number of lines that are kept.
const LINES_MAX: usize = 10_000;

/// A line that the handler printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleLine {
    /// The level that the host assigns (`WorkerProcess.cs`).
    pub level: LogLevel,
    /// The line.
    pub text: String,
}

/// The levels of the host's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Standard output.
    Information,
    /// Standard error that contains "warn".
    Warning,
    /// Other standard error.
    Error,
}

/// A log line in the response to an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvocationLog {
    /// The function that was invoked.
    pub function: String,
    /// The invocation's id, as in its header.
    pub invocation_id: Uuid,
    /// The line.
    pub text: String,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    Output,
    Error,
}

/// Keeps the last lines of both kinds, and prints the console's if it has a label.
#[derive(Debug)]
pub(super) struct Console {
    label: Option<String>,
    lines: Mutex<VecDeque<ConsoleLine>>,
    logs: Mutex<VecDeque<InvocationLog>>,
}

impl Console {
    pub(super) fn new(label: Option<String>) -> Self {
        Self { label, lines: Mutex::default(), logs: Mutex::default() }
    }

    pub(super) fn line(&self, stream: Stream, text: String) {
        let level = match stream {
            Stream::Output => LogLevel::Information,
            Stream::Error => level_of_error(&text),
        };
        if let Some(label) = &self.label {
            println!("[{label}] {text}");
        }
        push(&self.lines, ConsoleLine { level, text });
    }

    /// Logs a line of the host's own.
    pub(super) fn note(&self, text: &str) {
        self.line(Stream::Error, format!("host: {text}"));
    }

    pub(super) fn log(&self, function: &str, invocation_id: Uuid, text: String) {
        push(&self.logs, InvocationLog { function: function.to_owned(), invocation_id, text });
    }

    pub(super) fn lines(&self) -> Vec<ConsoleLine> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(super) fn logs(&self) -> Vec<InvocationLog> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// The level of a line on standard error.
fn level_of_error(text: &str) -> LogLevel {
    let is_warning = text.to_ascii_lowercase().contains("warn");
    if is_warning { LogLevel::Warning } else { LogLevel::Error }
}

fn push<T>(ring: &Mutex<VecDeque<T>>, item: T) {
    let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
    if ring.len() == LINES_MAX {
        ring.pop_front();
    }
    ring.push_back(item);
}
