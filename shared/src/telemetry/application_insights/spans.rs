//! The way of ended spans: a bounded queue, then batches.
//!
//! The host kills handlers without notice, so spans leave within two seconds of their end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

/// Spans that may wait; some seconds of a busy app.
const QUEUE_LENGTH: usize = 4096;

/// The most spans that leave together: with their events well below the endpoint's limits.
const BATCH_LENGTH_MAX: usize = 512;

/// How long the first span of a batch waits for others.
const GATHERING_TIME: Duration = Duration::from_secs(1);

/// How long a batch is tried, with the exporter's own retries.
const EXPORT_TIME_MAX: Duration = Duration::from_secs(10);

/// The least time between two warnings that spans are lost.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// Takes ended spans without waiting.
#[derive(Debug)]
pub(super) struct Queue {
    spans: mpsc::Sender<SpanData>,
    dropped: Arc<AtomicU64>,
}

impl Queue {
    /// A queue that a thread of its own empties.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(super) fn new(exporter: impl SpanExporter + 'static, runtime: Handle) -> io::Result<Self> {
        let (spans, received) = mpsc::channel(QUEUE_LENGTH);
        let dropped = Arc::new(AtomicU64::new(0));
        let sending = send(exporter, received, Arc::clone(&dropped));
        thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(move || runtime.block_on(sending))?;
        Ok(Self { spans, dropped })
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.spans.try_send(span).is_err() {
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

async fn send(
    exporter: impl SpanExporter,
    mut spans: mpsc::Receiver<SpanData>,
    dropped: Arc<AtomicU64>,
) {
    let mut next_warning = Instant::now();
    let mut batch = Vec::new();
    while fill(&mut batch, &mut spans).await {
        let length = batch.len() as u64;
        let sent = timeout(EXPORT_TIME_MAX, exporter.export(std::mem::take(&mut batch))).await;
        if !matches!(sent, Ok(Ok(()))) {
            dropped.fetch_add(length, Ordering::Relaxed);
        }
        if dropped.load(Ordering::Relaxed) > 0 && Instant::now() >= next_warning {
            next_warning = Instant::now() + WARNING_INTERVAL;
            let spans = dropped.swap(0, Ordering::Relaxed);
            tracing::warn!(spans, "telemetry was lost: it could not be sent in time");
        }
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
