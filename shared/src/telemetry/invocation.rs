//! What belongs to one invocation: its log lines, and how to recognise them.
//!
//! The lines go back to the host with the answer. The host attaches them to the right operation,
//! which it cannot do with what it reads from standard output (`docs/functions-host.md`).

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::future::Future;
use std::sync::Arc;

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::TraceId;

/// The most lines that one invocation sends back.
const LINES_MAX: usize = 100;

tokio::task_local! {
    static CURRENT: Current;
}

/// How an invocation is recognised in the log.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InvocationLabel {
    /// The function's name.
    pub(crate) function: String,
    /// The host's own identifier, if it sent one.
    pub(crate) id: Option<String>,
    /// The trace that it belongs to.
    #[serde(serialize_with = "super::as_digits")]
    pub(crate) trace_id: TraceId,
}

struct Current {
    label: Arc<InvocationLabel>,
    lines: RefCell<Vec<String>>,
}

/// Runs an invocation and returns the lines of level info and above that were logged meanwhile.
pub(crate) async fn with_invocation_logs<F: Future>(
    label: InvocationLabel,
    invocation: F,
) -> (F::Output, Vec<String>) {
    let current = Current { label: Arc::new(label), lines: RefCell::new(Vec::new()) };
    CURRENT
        .scope(current, async {
            let output = invocation.await;
            (output, CURRENT.with(|current| current.lines.take()))
        })
        .await
}

/// The label of the invocation that is running, if one is.
pub(super) fn current_label() -> Option<Arc<InvocationLabel>> {
    CURRENT.try_with(|current| Arc::clone(&current.label)).ok()
}

/// The layer that notes the lines.
pub(super) struct InvocationLogs;

impl<S: Subscriber> Layer<S> for InvocationLogs {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() > Level::INFO {
            return;
        }
        // Outside an invocation there is nobody to send lines to.
        let _ = CURRENT.try_with(|current| {
            if let Ok(mut lines) = current.lines.try_borrow_mut()
                && lines.len() < LINES_MAX
            {
                lines.push(line(event));
            }
        });
    }
}

/// Level, message, fields: `WARN throttled, trying again attempt=2`.
fn line(event: &Event<'_>) -> String {
    let mut line = Line { message: String::new(), fields: String::new() };
    event.record(&mut line);
    format!("{} {}{}", event.metadata().level(), line.message, line.fields)
}

struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" | "exception.message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn label() -> InvocationLabel {
        let trace_id = TraceId::from_bytes([1; 16]);
        InvocationLabel { function: "DoIt".to_owned(), id: None, trace_id }
    }

    #[tokio::test]
    async fn an_invocation_gets_its_own_lines_of_level_info_and_above() {
        let subscriber = tracing_subscriber::registry().with(InvocationLogs);
        let _guard = tracing::subscriber::set_default(subscriber);
        tracing::warn!("before");

        let (output, lines) = with_invocation_logs(label(), async {
            tracing::debug!("quiet");
            tracing::info!(attempt = 2, reason = "busy", "trying again");
            tokio::task::yield_now().await;
            tracing::error!("gave up");
            7
        })
        .await;

        assert_eq!(output, 7);
        assert_eq!(lines, ["INFO trying again attempt=2 reason=busy", "ERROR gave up"]);
    }

    #[tokio::test]
    async fn lines_have_an_end() {
        let subscriber = tracing_subscriber::registry().with(InvocationLogs);
        let _guard = tracing::subscriber::set_default(subscriber);

        let ((), lines) =
            with_invocation_logs(label(), async { (0..200).for_each(|_| tracing::info!("again")) })
                .await;

        assert_eq!(lines.len(), 100);
    }
}
