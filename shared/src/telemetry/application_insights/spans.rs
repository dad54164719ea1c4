//! The export of ended spans: a bounded queue, then batches.
//!
//! The host kills handlers without notice, so spans are sent within two seconds of their end.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// The capacity of the queue; a second or two of a busy app.
const QUEUE_LENGTH: usize = 8192;

/// The number of waiting spans that are sent at once.
const QUEUE_LENGTH_FULL: usize = QUEUE_LENGTH / 2;

/// The largest batch; with their events, so many spans stay well below the endpoint's limits.
const BATCH_LENGTH_MAX: usize = 256;

/// How long the first span waits for others.
const GATHERING_TIME: Duration = Duration::from_secs(1);

/// The time limit of a batch, including the exporter's retries.
const EXPORT_TIME_MAX: Duration = Duration::from_secs(10);

/// The shortest interval between two warnings about lost spans.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// Queues ended spans without waiting.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Notified when the first span waits, and when there are many; waking the thread for each span
    /// would dominate the cost.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    spans: Vec<SpanData>,
    /// Spans lost since the last warning.
    lost: u64,
}

impl Queue {
    /// A queue with a thread that empties it.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(super) fn start(
        exporter: impl SpanExporter + 'static,
        runtime: Handle,
    ) -> io::Result<Self> {
        let queue = Self::default();
        let sending = queue.clone().send(exporter);
        thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(move || runtime.block_on(sending))?;
        Ok(queue)
    }

    async fn send(self, exporter: impl SpanExporter) {
        let mut next_warning = Instant::now();
        loop {
            self.0.changed.notified().await;
            // Waits that long, or until there are many.
            let _ = timeout(GATHERING_TIME, self.0.changed.notified()).await;
            let mut spans = std::mem::take(&mut self.waiting().spans).into_iter();
            while spans.len() > 0 {
                let batch: Vec<_> = spans.by_ref().take(BATCH_LENGTH_MAX).collect();
                let length = batch.len() as u64;
                let sent = timeout(EXPORT_TIME_MAX, exporter.export(batch)).await;
                if !matches!(sent, Ok(Ok(()))) {
                    self.waiting().lost += length;
                }
            }
            if Instant::now() >= next_warning && self.warn_of_losses() {
                next_warning = Instant::now() + WARNING_INTERVAL;
            }
        }
    }

    /// Whether there were any.
    fn warn_of_losses(&self) -> bool {
        let spans = std::mem::take(&mut self.waiting().lost);
        if spans > 0 {
            tracing::warn!(spans, "telemetry was lost: it could not be sent in time");
        }
        spans > 0
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        let mut waiting = self.waiting();
        if waiting.spans.len() == QUEUE_LENGTH {
            waiting.lost += 1;
            return;
        }
        waiting.spans.push(span);
        let length = waiting.spans.len();
        drop(waiting);
        if length == 1 || length == QUEUE_LENGTH_FULL {
            self.0.changed.notify_one();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Span as _, Tracer, TracerProvider};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    fn end_spans(queue: &Queue, count: usize) {
        let provider = SdkTracerProvider::builder().with_span_processor(queue.clone()).build();
        let tracer = provider.tracer("");
        for _ in 0..count {
            tracer.start("").end();
        }
    }

    #[test]
    fn spans_beyond_the_capacity_are_dropped_and_counted() {
        let queue = Queue::default();

        end_spans(&queue, QUEUE_LENGTH + 10);

        assert_eq!(queue.waiting().spans.len(), QUEUE_LENGTH);
        assert!(queue.warn_of_losses());
        assert!(!queue.warn_of_losses());
    }

    #[derive(Clone, Debug, Default)]
    struct Lengths(Arc<Mutex<Vec<usize>>>);

    impl SpanExporter for Lengths {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().unwrap().push(batch.len());
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn spans_leave_together_and_in_bounded_batches() {
        let (queue, sent) = (Queue::default(), Lengths::default());
        let sending = queue.clone().send(sent.clone());
        let ending = async {
            end_spans(&queue, BATCH_LENGTH_MAX + 3);
            tokio::time::sleep(2 * GATHERING_TIME).await;
        };

        tokio::select! {
            () = sending => {}
            () = ending => {}
        }

        assert_eq!(*sent.0.lock().unwrap(), [BATCH_LENGTH_MAX, 3]);
    }
}
