//! The timeline of one operation.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use stand_ins::app_insights::{Data, Item};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The properties for the number of attempts and the kind of problem.
const ATTEMPTS: &str = "attempts";
const PROBLEM: &str = "problem";

/// The spans and logs of one operation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Timeline {
    operation_id: String,
    time: String,
    duration_ms: f64,
    /// Callers before callees.
    spans: Vec<Span>,
    logs: Vec<Line>,
}

/// A request or a dependency.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Span {
    pub(super) name: String,
    role: String,
    /// `request`, or the dependency's type.
    kind: String,
    target: Option<String>,
    /// The number of its callers in this operation.
    depth: usize,
    /// Milliseconds since the start of the operation.
    offset_ms: f64,
    duration_ms: f64,
    status: Option<String>,
    success: Option<bool>,
    attempts: Option<String>,
    pub(super) problem: Option<String>,
}

/// A log line or an exception.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    /// Milliseconds since the start of the operation.
    offset_ms: f64,
    level: &'static str,
    role: String,
    text: String,
    properties: String,
}

/// The timeline of an operation; `None` if there are no items.
pub(super) fn operation(items: &[Arc<Item>], id: &str) -> Option<Timeline> {
    let items: Vec<_> = items.iter().filter(|item| item.operation_id() == Some(id)).collect();
    let begin = items.iter().map(|item| item.time).min()?;
    let ends = items.iter().map(|item| item.time + duration(item));
    let spans = in_call_order(&items)
        .into_iter()
        .filter_map(|(item, depth)| span(item, begin, depth))
        .collect();
    let mut logs: Vec<_> = items.iter().filter_map(|item| line(item, begin)).collect();
    logs.sort_by(|a, b| a.offset_ms.total_cmp(&b.offset_ms));
    Some(Timeline {
        operation_id: id.to_owned(),
        time: rfc3339(begin),
        duration_ms: ends.max().map_or(0.0, |end| milliseconds(end - begin)),
        spans,
        logs,
    })
}

/// The spans in call order, each with its depth.
fn in_call_order<'a>(items: &[&'a Arc<Item>]) -> Vec<(&'a Item, usize)> {
    let mut spans: Vec<&'a Item> =
        items.iter().map(|item| &***item).filter(|item| item.span_id().is_some()).collect();
    spans.sort_by_key(|item| item.time);
    let ids: HashSet<_> = spans.iter().filter_map(|item| item.span_id()).collect();
    let mut children: HashMap<&str, Vec<&'a Item>> = HashMap::new();
    let mut roots = Vec::new();
    for span in &spans {
        match span.parent_id().filter(|parent| ids.contains(parent)) {
            Some(parent) => children.entry(parent).or_default().push(span),
            None => roots.push(*span),
        }
    }
    let mut in_call_order = Vec::with_capacity(spans.len());
    // Spans in a cycle of parents have no root; they come last.
    let mut open: Vec<_> = children.values().flatten().map(|span| (*span, 0)).collect();
    open.sort_by_key(|(span, _)| std::cmp::Reverse(span.time));
    open.extend(roots.into_iter().rev().map(|root| (root, 0)));
    let mut seen = HashSet::new();
    while let Some((span, depth)) = open.pop() {
        let Some(id) = span.span_id().filter(|id| seen.insert(*id)) else {
            continue;
        };
        in_call_order.push((span, depth));
        let called = children.get(id).into_iter().flatten().rev();
        open.extend(called.map(|span| (*span, depth + 1)));
    }
    in_call_order
}

/// The span of a request or a dependency; `None` for other items.
pub(super) fn span(item: &Item, begin: OffsetDateTime, depth: usize) -> Option<Span> {
    let (name, kind, target, status, success) = match &item.data {
        Data::Request(request) => {
            let status = Some(request.response_code.clone());
            (&request.name, "request".to_owned(), None, status, Some(request.success))
        }
        Data::Dependency(call) => {
            let kind = call.kind.clone().unwrap_or_else(|| "call".to_owned());
            // For other types it only repeats the outcome as a number.
            let status = call.result_code.clone().filter(|_| kind.eq_ignore_ascii_case("http"));
            (&call.name, kind, call.target.clone(), status, call.success)
        }
        Data::Exception(_) | Data::Message(_) | Data::Event(_) | Data::Metric(_) => return None,
    };
    Some(Span {
        name: name.clone(),
        role: item.role().unwrap_or_default().to_owned(),
        kind,
        target,
        depth,
        offset_ms: milliseconds(item.time - begin),
        duration_ms: duration(item).as_secs_f64() * 1000.0,
        status,
        success,
        attempts: item.property(ATTEMPTS).map(str::to_owned),
        problem: item.property(PROBLEM).map(str::to_owned),
    })
}

fn line(item: &Item, begin: OffsetDateTime) -> Option<Line> {
    let (level, text, properties) = match &item.data {
        Data::Message(line) => {
            (level(line.severity_level.as_ref()), line.message.clone(), &line.properties)
        }
        Data::Exception(failure) => {
            let messages: Vec<_> =
                failure.exceptions.iter().map(|one| one.message.as_str()).collect();
            ("exception", messages.join(": "), &failure.properties)
        }
        Data::Event(event) => ("event", event.name.clone(), &event.properties),
        Data::Request(_) | Data::Dependency(_) | Data::Metric(_) => return None,
    };
    let properties: Vec<_> =
        properties.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Some(Line {
        offset_ms: milliseconds(item.time - begin),
        level,
        role: item.role().unwrap_or_default().to_owned(),
        text,
        properties: properties.join(" "),
    })
}

/// The schema defines numbers; .NET sends names.
fn level(severity: Option<&Value>) -> &'static str {
    match severity.map(|severity| (severity.as_u64(), severity.as_str())) {
        Some((Some(0), _) | (_, Some("Verbose"))) => "verbose",
        Some((Some(2), _) | (_, Some("Warning"))) => "warning",
        Some((Some(3), _) | (_, Some("Error"))) => "error",
        Some((Some(4), _) | (_, Some("Critical"))) => "critical",
        Some(_) | None => "information",
    }
}

fn duration(item: &Item) -> Duration {
    match &item.data {
        Data::Request(request) => request.duration,
        Data::Dependency(call) => call.duration,
        Data::Exception(_) | Data::Message(_) | Data::Event(_) | Data::Metric(_) => Duration::ZERO,
    }
}

fn milliseconds(duration: time::Duration) -> f64 {
    duration.as_seconds_f64() * 1000.0
}

pub(super) fn rfc3339(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}
