//! Trace context of the platform's services (W3C Trace Context, level 1).

use uuid::Uuid;

/// A span of a platform service.
pub(crate) struct Span {
    pub(crate) trace_id: String,
    pub(crate) id: String,
    /// The caller's span id, if the caller sent one.
    pub(crate) parent_id: Option<String>,
    /// Whether the caller set the sampled flag.
    sampled: bool,
}

impl Span {
    /// Creates a span in the caller's trace, or a new trace without a valid `traceparent`.
    pub(crate) fn child_of(traceparent: Option<&str>) -> Self {
        let mut fields = traceparent.into_iter().flat_map(|text| text.split('-')).skip(1);
        let trace_id = fields.next().filter(|id| is_hexadecimal(id, 32));
        let parent_id = trace_id.and(fields.next()).filter(|id| is_hexadecimal(id, 16));
        let sampled = parent_id.is_some() && fields.next() == Some("01");
        let new_id = || Uuid::new_v4().simple().to_string();
        Self {
            trace_id: trace_id.map_or_else(new_id, str::to_owned),
            id: new_id()[..16].to_owned(),
            parent_id: parent_id.map(str::to_owned),
            sampled,
        }
    }

    /// The `traceparent` for the next service. The platform's telemetry forwards the caller's
    /// sampled flag and never sets it (microsoft/ApplicationInsights-dotnet, issue 2835).
    pub(crate) fn traceparent(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace_id, self.id, u8::from(self.sampled))
    }
}

fn is_hexadecimal(id: &str, length: usize) -> bool {
    id.len() == length && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}
