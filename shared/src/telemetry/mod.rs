//! Logs on standard output, spans for Application Insights, and the trace context of calls.
//!
//! Identifiers and field names may be logged; data from clients or from the database may not.

mod application_insights;
mod console;
mod invocation;
pub mod metrics;
mod trace_context;

use std::io;
use std::panic;
use std::sync::Arc;

use serde::Serializer;
use tracing::{Level, Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::secret::Secret;
use crate::{Error, HttpClient, Id};

pub use opentelemetry::trace::TraceId;
pub use trace_context::TraceContext;

pub(crate) use invocation::{InvocationLabel, with_invocation_logs};

/// Logs a failure that the caller did not cause, with its causes.
pub fn log_failure(error: &Error) {
    let message = error.with_causes();
    // Application Insights turns an event with this name into an exception.
    tracing::event!(
        name: "exception",
        Level::ERROR,
        { exception.message = message, "exception.type" = error.kind_name() }
    );
}

/// The telemetry of an app.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// The filter of log lines.
    pub log_filter: Targets,
    /// The export of spans and metrics; `None` disables it.
    pub export: Option<ExportSettings>,
}

/// The export to Application Insights.
#[derive(Clone, Debug)]
pub struct ExportSettings {
    /// Identifies the resource and its ingestion endpoint.
    pub connection_string: Secret,
    /// The ingestion endpoint if it is on this machine and without TLS, that is, emulated.
    pub loopback_endpoint: Option<String>,
    /// Share of traces to sample, from 0 to 1, when the caller made no decision.
    pub sampling_ratio: f64,
    /// The instance of the app.
    pub role_instance: Option<String>,
}

/// An app's name and version.
#[derive(Clone, Copy, Debug)]
pub struct Role {
    /// The cloud role's name.
    pub name: &'static str,
    /// The application's version.
    pub version: &'static str,
}

/// Starts logs and telemetry; called once, by `main`.
///
/// # Errors
/// If no thread can be started.
pub fn start(settings: TelemetrySettings, role: Role, http: &Arc<HttpClient>) -> io::Result<()> {
    let tracer = settings.export.map(|export| application_insights::start(&export, role, http));
    let spans = tracer.transpose()?.map(|tracer| {
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            // No code asks OpenTelemetry for the current span; tracing tracks the parents.
            .with_context_activation(false)
            .with_location(false)
            .with_target(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(our_own(role))
    });
    let subscriber = logging(settings.log_filter);
    match spans {
        Some(spans) => subscriber.with(spans).init(),
        // A `None` layer would enable every span.
        None => subscriber.init(),
    }
    // The standard hook prints the panic's message, which may quote data.
    panic::set_hook(Box::new(|info| match info.location() {
        Some(location) => {
            tracing::error!(file = location.file(), line = location.line(), "panicked")
        }
        None => tracing::error!("panicked"),
    }));
    Ok(())
}

/// Adds an identifier to the current span, which is that of the invocation in a function.
pub fn add_id<K>(name: &'static str, id: Id<K>) {
    let span = Span::current();
    if !span.is_disabled() {
        span.set_attribute(name, id.to_string());
    }
}

/// Serialises a trace id as 32 lower-case hexadecimal digits.
///
/// # Errors
/// Those of the serializer.
pub fn as_digits<S: Serializer>(trace_id: &TraceId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(trace_id)
}

/// Log lines need no spans; without an export spans are disabled and cost nothing.
fn logging(filter: Targets) -> impl Subscriber + for<'span> LookupSpan<'span> {
    let filter = filter.and(filter_fn(|metadata: &Metadata<'_>| metadata.is_event()));
    let lines = console::Console.and_then(invocation::InvocationLogs).with_filter(filter);
    tracing_subscriber::registry().with(lines)
}

/// Exports only our own spans and events, since those of libraries may contain data.
fn our_own(role: Role) -> Targets {
    Targets::new()
        .with_target("shared", Level::INFO)
        .with_target(role.name.replace('-', "_"), Level::INFO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_alone_make_no_spans() {
        let _guard =
            tracing::subscriber::set_default(logging(Targets::new().with_default(Level::TRACE)));

        assert!(tracing::info_span!("a span").is_disabled());
        assert!(tracing::event_enabled!(Level::INFO));
    }
}
