//! Sends spans to Application Insights: soon, in batches, and never at a request's expense.
//!
//! The host kills handlers without notice, so spans leave within two seconds of their end. While
//! the ingestion endpoint cannot be reached a bounded queue fills; what does not fit is dropped
//! and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry::{Context, KeyValue};
use opentelemetry_application_insights::Exporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    Sampler, SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter, SpanProcessor,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::{ExportSettings, Role};
use crate::HttpClient;

/// Spans that may wait; some ten seconds of a busy app.
const QUEUE_LENGTH: usize = 8192;

/// The most spans that leave together: with their events well below the endpoint's limits.
const BATCH_LENGTH_MAX: usize = 256;

/// How long the first span of a batch waits for others.
const GATHERING_TIME: Duration = Duration::from_secs(1);

/// How long a batch is tried, with the exporter's own retries.
const EXPORT_TIME_MAX: Duration = Duration::from_secs(10);

/// The least time between two warnings that telemetry is lost.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// A tracer whose spans a task of its own sends.
pub(super) fn tracer(settings: &ExportSettings, role: Role, http: &Arc<HttpClient>) -> SdkTracer {
    let resource = resource(settings, role);
    let (queue, spans) = mpsc::channel(QUEUE_LENGTH);
    let dropped = Arc::new(AtomicU64::new(0));
    let sending = Sending {
        connection_string: settings.connection_string.expose().to_owned(),
        resource: resource.clone(),
        http: Arc::clone(http),
        dropped: Arc::clone(&dropped),
    };
    tokio::spawn(sending.run(spans));
    let sampler = Sampler::TraceIdRatioBased(settings.sampling_ratio);
    SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(Sampler::ParentBased(Box::new(sampler)))
        .with_span_processor(Queue { queue, dropped })
        .build()
        .tracer(role.name)
}

fn resource(settings: &ExportSettings, role: Role) -> Resource {
    let mut attributes = vec![KeyValue::new("service.version", role.version)];
    if let Some(instance) = &settings.role_instance {
        attributes.push(KeyValue::new("service.instance.id", instance.clone()));
    }
    Resource::builder_empty().with_service_name(role.name).with_attributes(attributes).build()
}

/// Takes ended spans without waiting.
#[derive(Debug)]
struct Queue {
    queue: mpsc::Sender<SpanData>,
    dropped: Arc<AtomicU64>,
}

impl SpanProcessor for Queue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.queue.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

struct Sending {
    connection_string: String,
    resource: Resource,
    http: Arc<HttpClient>,
    dropped: Arc<AtomicU64>,
}

impl Sending {
    async fn run(self, mut spans: mpsc::Receiver<SpanData>) {
        let Some(mut exporter) = self.exporter().await else {
            tracing::warn!("telemetry cannot be sent: the connection string is unusable");
            return;
        };
        exporter.set_resource(&self.resource);
        let mut next_warning = Instant::now();
        let mut batch = Vec::new();
        while fill(&mut batch, &mut spans).await {
            let length = batch.len() as u64;
            let sent = timeout(EXPORT_TIME_MAX, exporter.export(std::mem::take(&mut batch))).await;
            if !matches!(sent, Ok(Ok(()))) {
                self.dropped.fetch_add(length, Ordering::Relaxed);
            }
            if self.dropped.load(Ordering::Relaxed) > 0 && Instant::now() >= next_warning {
                next_warning = Instant::now() + WARNING_INTERVAL;
                let dropped = self.dropped.swap(0, Ordering::Relaxed);
                tracing::warn!(spans = dropped, "telemetry was lost: it could not be sent in time");
            }
        }
    }

    async fn exporter(&self) -> Option<Exporter<reqwest::Client>> {
        let client = self.http.get().await.ok()?;
        Exporter::new_from_connection_string(&self.connection_string, client.clone()).ok()
    }
}

/// Waits for a first span, and a moment for others; false once there will be none.
async fn fill(batch: &mut Vec<SpanData>, spans: &mut mpsc::Receiver<SpanData>) -> bool {
    if spans.recv_many(batch, BATCH_LENGTH_MAX).await == 0 {
        return false;
    }
    let end = Instant::now() + GATHERING_TIME;
    while batch.len() < BATCH_LENGTH_MAX {
        let room = BATCH_LENGTH_MAX - batch.len();
        match timeout_at(end, spans.recv_many(batch, room)).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => break,
        }
    }
    true
}
