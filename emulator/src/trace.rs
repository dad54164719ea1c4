//! Trace context as the platform's own parts pass it on (W3C Trace Context, level 1).

use uuid::Uuid;

/// A `traceparent` in the caller's trace with a span of its own; without a usable one from the
/// caller, a new trace.
pub(crate) fn child_of(traceparent: Option<&str>) -> String {
    let trace_id = traceparent
        .and_then(|text| text.split('-').nth(1))
        .filter(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .map_or_else(|| Uuid::new_v4().simple().to_string(), str::to_owned);
    let span = Uuid::new_v4().simple().to_string();
    format!("00-{trace_id}-{}-01", &span[..16])
}
