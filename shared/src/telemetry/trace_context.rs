//! W3C Trace Context, level 1, and its predecessor: which trace a request belongs to.

use std::fmt;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags, TraceState};
use serde::{Serialize, Serializer};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::hex;

/// Identifies a trace: 16 bytes, not all zero, written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceId([u8; 16]);

/// Identifies a span within a trace: 8 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq)]
struct SpanId([u8; 8]);

/// The trace that a request belongs to, and our place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: TraceId,
    parent: SpanId,
    flags: u8,
    state: Option<String>,
}

impl TraceId {
    /// A trace id of these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl TraceContext {
    /// The context of the first usable pair of `traceparent` and `tracestate`.
    pub(crate) fn from_first<'a>(
        candidates: impl IntoIterator<Item = (Option<&'a str>, Option<&'a str>)>,
    ) -> Option<Self> {
        candidates.into_iter().find_map(|(parent, state)| Self::parse(parent?, state))
    }

    /// The context in a `Request-Id` header, which older clients of Application Insights send:
    /// `|<trace id>.<span id>.` (the hierarchical format of the HTTP correlation protocol).
    ///
    /// Identifiers of other clients name no trace that anything else could belong to.
    pub(crate) fn from_request_id(request_id: &str) -> Option<Self> {
        let mut parts = request_id.trim().strip_prefix('|')?.split('.');
        let trace_id = TraceId(hex::decode(parts.next()?.as_bytes())?);
        let parent = parts.next().and_then(|part| hex::decode(part.as_bytes())).map(SpanId);
        let parent = parent.filter(|parent| parent.0 != [0; 8]).unwrap_or_else(SpanId::generate);
        (trace_id.0 != [0; 16]).then_some(Self { trace_id, parent, flags: 1, state: None })
    }

    /// A new trace.
    pub fn generate() -> Self {
        Self {
            trace_id: TraceId(fastrand::u128(1..).to_be_bytes()),
            parent: SpanId::generate(),
            flags: 1,
            state: None,
        }
    }

    /// The trace's identifier.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The `traceparent` of an outgoing call: the same trace, and the span of the call, which is
    /// the current one. Without telemetry spans have no identifiers, so it makes one up.
    pub fn traceparent_of_call(&self) -> String {
        let context = Span::current().context();
        let span = context.span();
        let exported = span.span_context();
        let (trace, span, flags) = if exported.is_valid() {
            (
                exported.trace_id().to_bytes(),
                exported.span_id().to_bytes(),
                exported.trace_flags().to_u8() & 1,
            )
        } else {
            (self.trace_id.0, SpanId::generate().0, self.flags)
        };
        let [trace, span, flags] = [&trace[..], &span, &[flags]].map(hex::encode);
        ["00", &trace, &span, &flags].join("-")
    }

    /// Makes a span that has not begun a child of the caller's.
    pub(crate) fn adopt(&self, span: &Span) {
        let parent = SpanContext::new(
            opentelemetry::TraceId::from_bytes(self.trace_id.0),
            opentelemetry::SpanId::from_bytes(self.parent.0),
            TraceFlags::new(self.flags),
            true,
            TraceState::NONE,
        );
        // Without telemetry there is nothing to tell.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }

    /// The `tracestate` that goes along unchanged.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let bytes = traceparent.trim().as_bytes();
        let version = hex::decode::<1>(bytes.get(..2)?)?[0];
        // A later version may append fields; version 00 has exactly these (section 3.2.2).
        let ends_well = match bytes.get(55) {
            None => true,
            Some(separator) => version != 0 && *separator == b'-',
        };
        let separated = [2, 35, 52].iter().all(|at| bytes.get(*at) == Some(&b'-'));
        if version == 0xff || !ends_well || !separated {
            return None;
        }
        let trace_id = TraceId(hex::decode(bytes.get(3..35)?)?);
        let parent = SpanId(hex::decode(bytes.get(36..52)?)?);
        let flags = hex::decode::<1>(bytes.get(53..55)?)?[0] & 1;
        if trace_id.0 == [0; 16] || parent.0 == [0; 8] {
            return None;
        }
        let state = tracestate.filter(|text| is_sendable(text)).map(str::to_owned);
        Some(Self { trace_id, parent, flags, state })
    }
}

impl SpanId {
    fn generate() -> Self {
        Self(fastrand::u64(1..).to_be_bytes())
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(&self.0))
    }
}

impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Whether a `tracestate` can be sent on as a header; over 512 characters it may be dropped.
fn is_sendable(text: &str) -> bool {
    (1..=512).contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_call_stays_in_the_trace_with_a_span_of_its_own() {
        let context = TraceContext::from_first([(Some(PARENT), Some("vendor=1"))]).unwrap();
        let call = context.traceparent_of_call();

        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(call.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
        assert!(call.ends_with("-01"));
        assert!(!call.contains("00f067aa0ba902b7"));
        assert_eq!(context.state(), Some("vendor=1"));
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
        ] {
            assert_eq!(TraceContext::parse(parent, None), None, "{parent}");
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
            assert!(expected.is_none_or(|expected| context.parent.to_string() == expected));
        }
        for request_id in ["", "|", "4bf92f3577b34da6a3ce929d0e0e4736", "|abc.1.", "|é.1."] {
            assert_eq!(TraceContext::from_request_id(request_id), None, "{request_id}");
        }
    }

    #[test]
    fn a_later_version_may_say_more() {
        let parent =
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-will-be-like";

        assert!(TraceContext::parse(parent, None).is_some());
    }

    proptest! {
        #[test]
        fn any_header_is_understood_or_passed_over(parent in ".*", state in ".*") {
            let _ = TraceContext::parse(&parent, Some(&state));
            let _ = TraceContext::from_request_id(&parent);
        }

        #[test]
        fn what_we_send_we_understand(_case in 0..100u8) {
            let context = TraceContext::generate();
            let parsed = TraceContext::parse(&context.traceparent_of_call(), None).unwrap();

            prop_assert_eq!(parsed.trace_id(), context.trace_id());
        }
    }
}
