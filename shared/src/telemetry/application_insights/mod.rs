//! Exports spans and metrics to Application Insights, off the request path.
//!
//! Separate threads collect and serialise them. While the ingestion endpoint is unreachable, spans
//! wait in a bounded queue; the excess is dropped and counted.

mod client;
mod sampling;
mod spans;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry::{KeyValue, global};
use opentelemetry_application_insights::Exporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanExporter};
use tokio::runtime::Handle;

use self::client::IngestionClient;
use self::sampling::ParentOrRatio;
use self::spans::Queue;
use super::{ExportSettings, Role};
use crate::HttpClient;

/// How often metrics are sent.
const METRICS_INTERVAL: Duration = Duration::from_secs(15);

/// Starts the exporters and returns the tracer.
///
/// Must be called within the runtime that makes the calls.
///
/// # Errors
/// If no thread can be started.
pub(super) fn start(
    settings: &ExportSettings,
    role: Role,
    http: &Arc<HttpClient>,
) -> io::Result<SdkTracer> {
    let resource = resource(settings, role);
    let runtime = Handle::current();
    let mut exporter = exporter(settings, IngestionClient::new(Arc::clone(http), runtime.clone()));
    exporter.set_resource(&resource);
    let metrics = PeriodicReader::builder(exporter.clone()).with_interval(METRICS_INTERVAL);
    global::set_meter_provider(
        SdkMeterProvider::builder()
            .with_resource(resource.clone())
            .with_reader(metrics.build())
            .build(),
    );
    Ok(SdkTracerProvider::builder()
        .with_sampler(ParentOrRatio::new(settings.sampling_ratio))
        .with_span_processor(Queue::start(exporter, runtime)?)
        .with_resource(resource)
        .build()
        .tracer(role.name))
}

fn exporter(settings: &ExportSettings, client: IngestionClient) -> Exporter<IngestionClient> {
    let exporter =
        Exporter::new_from_connection_string(settings.connection_string.expose(), client)
            .expect("settings were checked")
            .with_sample_rate(settings.sampling_ratio);
    match &settings.loopback_endpoint {
        // A connection string always implies https.
        #[expect(deprecated, reason = "the one way to an endpoint without TLS, on this machine")]
        Some(endpoint) => exporter.with_endpoint(endpoint).expect("any endpoint is taken"),
        None => exporter,
    }
}

fn resource(settings: &ExportSettings, role: Role) -> Resource {
    let mut attributes = vec![KeyValue::new("service.version", role.version)];
    if let Some(instance) = &settings.role_instance {
        attributes.push(KeyValue::new("service.instance.id", instance.clone()));
    }
    Resource::builder_empty().with_service_name(role.name).with_attributes(attributes).build()
}
