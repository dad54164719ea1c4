//! What the handler prints and sends back, at the level that the host gives it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

/// The most lines that are kept.
const LINES_MAX: usize = 10_000;

/// A line that the handler printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleLine {
    /// The level that the host gives it (`WorkerProcess.cs`).
    pub level: LogLevel,
    /// The line.
    pub text: String,
}

/// Levels of the host's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Standard output.
    Information,
    /// Standard error with "warn" in it.
    Warning,
    /// Other standard error.
    Error,
}

/// A line that came back with an invocation's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvocationLog {
    /// The function that was called.
    pub function: String,
    /// The invocation that it belongs to, as its header names it.
    pub invocation_id: Uuid,
    /// The line.
    pub text: String,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    Output,
    Error,
}

/// Keeps the last lines of either kind, and prints the console's if there is a label.
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

    /// A remark of the host's own.
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
    let speaks_of_warnings = text.to_ascii_lowercase().contains("warn");
    if speaks_of_warnings { LogLevel::Warning } else { LogLevel::Error }
}

fn push<T>(ring: &Mutex<VecDeque<T>>, item: T) {
    let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
    if ring.len() == LINES_MAX {
        ring.pop_front();
    }
    ring.push_back(item);
}
