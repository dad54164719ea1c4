//! Request telemetry that API Management and the Functions host send themselves.

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc;

use crate::trace::Span;

/// The length of the queue; further items are lost, as in Azure.
const QUEUE_MAX: usize = 1000;

/// The timeout of one upload.
const SEND_LIMIT: Duration = Duration::from_secs(5);

/// Sends request telemetry in the background.
pub(crate) struct Reporter {
    role: String,
    key: String,
    queue: mpsc::Sender<String>,
}

/// When a request began.
pub(crate) struct RequestStart {
    time: OffsetDateTime,
    clock: Instant,
}

impl Reporter {
    /// Creates a reporter for this role; `None` if the connection string lacks the key or the
    /// endpoint.
    pub(crate) fn new(connection_string: &str, role: String) -> Option<Self> {
        let value = |name: &str| {
            let mut pairs = connection_string.split(';').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let key = value("InstrumentationKey")?.to_owned();
        let endpoint = value("IngestionEndpoint")?.trim_end_matches('/');
        let (queue, queued) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(send(format!("{endpoint}/v2.1/track"), queued));
        Some(Self { role, key, queue })
    }

    /// Reports a request whose response has just been sent.
    pub(crate) fn report(
        &self,
        span: &Span,
        name: &str,
        start: &RequestStart,
        status: u16,
        success: bool,
    ) {
        let mut tags = json!({
            "ai.cloud.role": self.role,
            "ai.operation.id": span.trace_id,
            "ai.operation.name": name,
        });
        if let Some(parent) = &span.parent_id {
            tags["ai.operation.parentId"] = parent.as_str().into();
        }
        let item = json!({
            "name": "AppRequests",
            "time": start.time.format(&Rfc3339).unwrap_or_default(),
            "iKey": self.key,
            "tags": tags,
            "data": { "baseType": "RequestData", "baseData": {
                "ver": 2,
                "id": span.id,
                "name": name,
                "duration": time_span(start.clock.elapsed()),
                "responseCode": status.to_string(),
                "success": success,
            } },
        });
        let _ = self.queue.try_send(item.to_string());
    }
}

impl RequestStart {
    pub(crate) fn now() -> Self {
        Self { time: OffsetDateTime::now_utc(), clock: Instant::now() }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reporter").field("role", &self.role).finish_non_exhaustive()
    }
}

/// Uploads the queue in batches until the reporter is dropped.
async fn send(url: String, mut queued: mpsc::Receiver<String>) {
    let client = crate::http_client();
    let mut items = Vec::new();
    while queued.recv_many(&mut items, QUEUE_MAX).await > 0 {
        let body = items.join("\n");
        items.clear();
        // Lost on failure: the platform's requests do not depend on their telemetry.
        let _ = client.post(&url).timeout(SEND_LIMIT).body(body).send().await;
    }
}

fn time_span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let micros = duration.subsec_micros();
    format!("{}.{:02}:{:02}:{:02}.{micros:06}", hours / 24, hours % 24, minutes % 60, seconds % 60)
}
