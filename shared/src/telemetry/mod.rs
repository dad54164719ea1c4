//! Logs on standard output, spans for Application Insights, and the trace context that ties calls
//! together.
//!
//! Identifiers and field names may be told; what a client sent, and what is stored, may not.

mod application_insights;
mod console;
mod invocation;
pub mod metrics;
mod trace_context;

use std::io;
use std::panic;
use std::sync::Arc;

use serde::Serializer;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::HttpClient;
use crate::secret::Secret;

pub use opentelemetry::trace::TraceId;
pub use trace_context::TraceContext;

pub(crate) use invocation::{InvocationLabel, with_invocation_logs};

/// What an app tells about itself.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// Which log lines are written.
    pub log_filter: Targets,
    /// Where spans go; without it they go nowhere.
    pub export: Option<ExportSettings>,
}

/// How spans get to Application Insights.
#[derive(Clone, Debug)]
pub struct ExportSettings {
    /// Names the resource and its ingestion endpoint.
    pub connection_string: Secret,
    /// The ingestion endpoint, if it is one of this machine's without TLS: an emulated one.
    pub loopback_endpoint: Option<String>,
    /// Which part of the traces that begin here is sent, from 0 to 1; others follow their parent.
    pub sampling_ratio: f64,
    /// Which instance of the app this is.
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
/// If no thread can be started for it.
pub fn start(settings: TelemetrySettings, role: Role, http: &Arc<HttpClient>) -> io::Result<()> {
    let tracer = settings.export.map(|export| application_insights::start(&export, role, http));
    let spans = tracer.transpose()?.map(|tracer| {
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            // Nobody asks OpenTelemetry for the current span; parents are those of tracing.
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
        // A layer that is none would take an interest in every span.
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

/// Writes a trace id as JSON has it: 32 lower-case hexadecimal digits.
///
/// # Errors
/// Those of the serializer.
pub fn as_digits<S: Serializer>(trace_id: &TraceId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(trace_id)
}

/// Writes log lines, which need no spans: without an export there are none, and they cost nothing.
fn logging(filter: Targets) -> impl Subscriber + for<'span> LookupSpan<'span> {
    let filter = filter.and(filter_fn(|metadata: &Metadata<'_>| metadata.is_event()));
    let lines = console::Console.and_then(invocation::InvocationLogs).with_filter(filter);
    tracing_subscriber::registry().with(lines)
}

/// Libraries may say what we must not pass on, so only our own spans and events leave.
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
