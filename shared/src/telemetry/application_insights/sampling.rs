//! Samples traces.

use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

/// Follows a caller that samples the trace; otherwise samples a share of all traces by trace id, so
/// that both apps choose the same ones.
///
/// A caller's "not sampled" is ignored: the Functions host marks the traces that it starts as not
/// sampled although it sends them (microsoft/ApplicationInsights-dotnet, issue 2835).
#[derive(Clone, Debug)]
pub(super) struct ParentOrRatio {
    ratio: Sampler,
}

impl ParentOrRatio {
    /// Samples this share, from 0 to 1, of the traces that no caller samples.
    pub(super) fn new(ratio: f64) -> Self {
        Self { ratio: Sampler::TraceIdRatioBased(ratio) }
    }

    fn sampler_below(&self, parent: Option<&Context>) -> Sampler {
        let parent = parent.map(|parent| parent.span().span_context().clone());
        match parent.filter(|parent| parent.is_valid()) {
            Some(parent) if parent.is_sampled() => Sampler::AlwaysOn,
            Some(parent) if !parent.is_remote() => Sampler::AlwaysOff,
            Some(_) | None => self.ratio.clone(),
        }
    }
}

impl ShouldSample for ParentOrRatio {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        self.sampler_below(parent).should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceState};
    use opentelemetry_sdk::trace::SamplingDecision;

    use super::*;

    const TRACE_ID: TraceId = TraceId::from_bytes([7; 16]);

    fn is_sent(ratio: f64, trace_id: TraceId, flags: TraceFlags, is_remote: bool) -> bool {
        let span = SpanId::from_bytes([1; 8]);
        let parent = SpanContext::new(trace_id, span, flags, is_remote, TraceState::NONE);
        let parent = Context::new().with_remote_span_context(parent);
        let result = ParentOrRatio::new(ratio).should_sample(
            Some(&parent),
            trace_id,
            "",
            &SpanKind::Server,
            &[],
            &[],
        );
        result.decision == SamplingDecision::RecordAndSample
    }

    #[test]
    fn a_caller_who_sends_the_trace_is_followed() {
        assert!(is_sent(0.0, TRACE_ID, TraceFlags::SAMPLED, true));
    }

    #[test]
    fn a_caller_who_says_no_leaves_it_to_the_ratio() {
        assert!(is_sent(1.0, TRACE_ID, TraceFlags::NOT_SAMPLED, true));
        assert!(!is_sent(0.0, TRACE_ID, TraceFlags::NOT_SAMPLED, true));
    }

    #[test]
    fn unsampled_traces_are_dropped_as_a_whole() {
        assert!(!is_sent(1.0, TRACE_ID, TraceFlags::NOT_SAMPLED, false));
    }

    #[test]
    fn the_ratio_is_a_part_of_all_traces() {
        let ids = (1..=1000u128).map(|_| TraceId::from(fastrand::u128(1..)));
        let sent = ids.filter(|id| is_sent(0.25, *id, TraceFlags::NOT_SAMPLED, true)).count();

        assert!((150..350).contains(&sent), "{sent}");
    }
}
