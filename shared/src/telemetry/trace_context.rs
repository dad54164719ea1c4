//! W3C Trace Context, level 1, and its predecessor: which trace a request belongs to.

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The length of a `traceparent` of version 00; that of a later one is no less.
const TRACEPARENT_CHARS_MIN: usize = 55;

/// The longest `tracestate` that must be passed on (W3C Trace Context, section 3.3.1.5).
const TRACESTATE_CHARS_MAX: usize = 512;

/// The trace that a request belongs to, and the span of the caller in it.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceContext(SpanContext);

impl TraceContext {
    /// The context of the first usable pair of `traceparent` and `tracestate`.
    pub(crate) fn from_first<'a>(
        candidates: impl IntoIterator<Item = (Option<&'a str>, Option<&'a str>)>,
    ) -> Option<Self> {
        candidates.into_iter().find_map(|(parent, state)| Headers::new(parent?, state)?.read())
    }

    /// The context in a `Request-Id` header, which older clients of Application Insights send:
    /// `|<trace id>.<span id>.` (the hierarchical format of the HTTP correlation protocol).
    ///
    /// Identifiers of other clients name no trace that anything else could belong to.
    pub(crate) fn from_request_id(request_id: &str) -> Option<Self> {
        let mut parts = request_id.trim().strip_prefix('|')?.split('.');
        let trace_id = TraceId::from_bytes(bytes(parts.next()?)?);
        let parent = parts.next().and_then(bytes).map(SpanId::from_bytes);
        let parent = parent.filter(|parent| *parent != SpanId::INVALID).unwrap_or_else(span_id);
        (trace_id != TraceId::INVALID).then(|| Self::sampled(trace_id, parent))
    }

    /// A new trace.
    pub fn generate() -> Self {
        Self::sampled(TraceId::from(fastrand::u128(1..)), span_id())
    }

    /// The trace's identifier: 32 lower-case hexadecimal digits.
    pub fn trace_id(&self) -> TraceId {
        self.0.trace_id()
    }

    /// The `traceparent` of an outgoing call: the same trace, and the span of the call, which is
    /// the current one. Without telemetry spans have no identifiers, so it makes one up.
    pub fn traceparent_of_call(&self) -> String {
        let context = Span::current().context();
        let span = context.span();
        let exported = span.span_context();
        let (trace_id, span_id, flags) = if exported.is_valid() {
            (exported.trace_id(), exported.span_id(), exported.trace_flags())
        } else {
            (self.0.trace_id(), span_id(), self.0.trace_flags())
        };
        format!("00-{trace_id}-{span_id}-{:02x}", flags & TraceFlags::SAMPLED)
    }

    /// Makes a span that has not begun a child of the caller's.
    pub(crate) fn adopt(&self, span: &Span) {
        // Without telemetry there is nothing to tell.
        let _ = span.set_parent(Context::new().with_remote_span_context(self.0.clone()));
    }

    /// The `tracestate` that goes along unchanged.
    pub fn state(&self) -> Option<String> {
        Some(self.0.trace_state().header()).filter(|state| !state.is_empty())
    }

    fn sampled(trace_id: TraceId, parent: SpanId) -> Self {
        Self(SpanContext::new(trace_id, parent, TraceFlags::SAMPLED, true, TraceState::NONE))
    }
}

/// Both headers of a caller.
struct Headers<'a> {
    traceparent: &'a str,
    tracestate: Option<&'a str>,
}

impl<'a> Headers<'a> {
    fn new(traceparent: &'a str, tracestate: Option<&'a str>) -> Option<Self> {
        let traceparent = traceparent.trim();
        // The propagator would also take shorter ids.
        if traceparent.len() < TRACEPARENT_CHARS_MIN {
            return None;
        }
        let tracestate = tracestate.filter(|state| state.len() <= TRACESTATE_CHARS_MAX);
        Some(Self { traceparent, tracestate })
    }

    fn read(&self) -> Option<TraceContext> {
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), self);
        let span = context.span();
        span.span_context().is_valid().then(|| TraceContext(span.span_context().clone()))
    }
}

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(self.traceparent),
            "tracestate" => self.tracestate,
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

fn span_id() -> SpanId {
    SpanId::from(fastrand::u64(1..))
}

/// The bytes of exactly 2·N lower-case digits.
fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let is_lower = !digits.bytes().any(|digit| digit.is_ascii_uppercase());
    (is_lower && hex::decode_to_slice(digits, &mut bytes).is_ok()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn parse(traceparent: &str) -> Option<TraceContext> {
        TraceContext::from_first([(Some(traceparent), None)])
    }

    #[test]
    fn a_call_stays_in_the_trace_with_a_span_of_its_own() {
        let context = TraceContext::from_first([(Some(PARENT), Some("vendor=1"))]).unwrap();
        let call = context.traceparent_of_call();

        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(call.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
        assert!(call.ends_with("-01"));
        assert!(!call.contains("00f067aa0ba902b7"));
        assert_eq!(context.state().as_deref(), Some("vendor=1"));
    }

    #[test]
    fn the_first_usable_parent_counts() {
        let other = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-00f067aa0ba902b7-00";
        let context = TraceContext::from_first([
            (None, None),
            (Some("junk"), None),
            (Some(PARENT), None),
            (Some(other), None),
        ])
        .unwrap();

        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn a_malformed_parent_starts_a_new_trace() {
        for parent in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
            "00-4bf9-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        ] {
            assert_eq!(parse(parent), None, "{parent}");
        }
    }

    #[test]
    fn a_request_id_of_application_insights_names_the_trace() {
        for (request_id, expected) in [
            ("|4bf92f3577b34da6a3ce929d0e0e4736.00f067aa0ba902b7.", Some("00f067aa0ba902b7")),
            ("|4bf92f3577b34da6a3ce929d0e0e4736.1.2_", None),
        ] {
            let context = TraceContext::from_request_id(request_id).unwrap();
            assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
            assert!(expected.is_none_or(|expected| context.0.span_id().to_string() == expected));
        }
        for request_id in ["", "|", "4bf92f3577b34da6a3ce929d0e0e4736", "|abc.1.", "|é.1."] {
            assert_eq!(TraceContext::from_request_id(request_id), None, "{request_id}");
        }
    }

    #[test]
    fn a_later_version_may_say_more() {
        let parent =
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-will-be-like";

        assert!(parse(parent).is_some());
    }

    proptest! {
        #[test]
        fn any_header_is_understood_or_passed_over(parent in ".*", state in ".*") {
            let _ = TraceContext::from_first([(Some(&*parent), Some(&*state))]);
            let _ = TraceContext::from_request_id(&parent);
        }

        #[test]
        fn what_we_send_we_understand(_case in 0..100u8) {
            let context = TraceContext::generate();
            let parsed = parse(&context.traceparent_of_call()).unwrap();

            prop_assert_eq!(parsed.trace_id(), context.trace_id());
        }
    }
}
