//! What API Management and the Functions host say themselves about the requests they serve.

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc;

use crate::trace::Span;

/// Items that wait to be sent; more are lost, as in Azure.
const QUEUE_MAX: usize = 1000;

/// An endpoint that takes longer counts as down.
const SEND_LIMIT: Duration = Duration::from_secs(5);

/// Sends requests to an ingestion endpoint, without holding anyone up.
pub(crate) struct Reporter {
    role: String,
    key: String,
    queue: mpsc::Sender<String>,
}

/// A request that is being served.
pub(crate) struct Begun {
    time: OffsetDateTime,
    clock: Instant,
}

impl Reporter {
    /// A reporter for this role; none if the connection string does not say where to and as whom.
    pub(crate) fn new(connection_string: &str, role: String) -> Option<Self> {
        let value = |name: &str| {
            let mut pairs = connection_string.split(';').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let key = value("InstrumentationKey")?.to_owned();
        let endpoint = value("IngestionEndpoint")?.trim_end_matches('/');
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(send(format!("{endpoint}/v2.1/track"), waiting));
        Some(Self { role, key, queue })
    }

    /// Reports a request that has just been answered.
    pub(crate) fn report(
        &self,
        span: &Span,
        name: &str,
        begun: &Begun,
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
            "time": begun.time.format(&Rfc3339).unwrap_or_default(),
            "iKey": self.key,
            "tags": tags,
            "data": { "baseType": "RequestData", "baseData": {
                "ver": 2,
                "id": span.id,
                "name": name,
                "duration": time_span(begun.clock.elapsed()),
                "responseCode": status.to_string(),
                "success": success,
            } },
        });
        let _ = self.queue.try_send(item.to_string());
    }
}

impl Begun {
    pub(crate) fn now() -> Self {
        Self { time: OffsetDateTime::now_utc(), clock: Instant::now() }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reporter").field("role", &self.role).finish_non_exhaustive()
    }
}

/// Sends what waits, together, until the reporter is dropped.
async fn send(url: String, mut waiting: mpsc::Receiver<String>) {
    let client = crate::http_client();
    let mut items = Vec::new();
    while waiting.recv_many(&mut items, QUEUE_MAX).await > 0 {
        let body = items.join("\n");
        items.clear();
        // What cannot be sent is lost; the platform's own requests do not depend on it.
        let _ = client.post(&url).timeout(SEND_LIMIT).body(body).send().await;
    }
}

fn time_span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let micros = duration.subsec_micros();
    format!("{}.{:02}:{:02}:{:02}.{micros:06}", hours / 24, hours % 24, minutes % 60, seconds % 60)
}
