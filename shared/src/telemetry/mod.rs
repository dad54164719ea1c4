//! Logs on standard output and the trace context that ties calls together.
//!
//! Standard output, because the host takes what comes on standard error for errors. Identifiers
//! and field names may be logged; what a client sent, and what is stored, may not.

mod invocation_logs;
mod trace_context;

use std::panic;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use trace_context::{TraceContext, TraceId};

pub(crate) use invocation_logs::with_invocation_logs;

/// Starts logging; called once, by `main`.
pub fn start(filter: Targets) {
    tracing_subscriber::registry()
        .with(filter)
        .with(tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::io::stdout))
        .with(invocation_logs::InvocationLogs)
        .init();
    // The standard hook prints the panic's message, which may quote data.
    panic::set_hook(Box::new(|info| match info.location() {
        Some(location) => {
            tracing::error!(file = location.file(), line = location.line(), "panicked")
        }
        None => tracing::error!("panicked"),
    }));
}
