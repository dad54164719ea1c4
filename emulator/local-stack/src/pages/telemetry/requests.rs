//! The list of the last requests.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;
use stand_ins::app_insights::{Data, Item};

use super::timeline::{Span, rfc3339, span};

/// The length of the list.
const REQUESTS_MAX: usize = 100;

/// The nesting of requests: gateway, host, app.
const NESTED_MAX: usize = 3;

/// The id of an operation and of a span in it.
type Key<'a> = (&'a str, &'a str);

/// A request from outside, with the function that served it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    operation_id: String,
    time: String,
    /// The function that served it.
    function: Option<String>,
    #[serde(flatten)]
    span: Span,
}

/// The last requests without a calling request, newest first.
pub(super) fn requests(items: &[Arc<Item>]) -> Vec<Summary> {
    let spans = items.iter().filter_map(|item| Some((key(item)?, item.as_ref()))).collect();
    let served = items.iter().filter(|item| is_request(item));
    let inner = served.clone().filter_map(|item| {
        let parent = (item.operation_id()?, item.parent_id()?);
        Some((parent, item.as_ref()))
    });
    let inner: HashMap<_, _> = inner.collect();
    let mut outer: Vec<&Item> =
        served.map(AsRef::as_ref).filter(|item| !has_caller(item, &spans)).collect();
    outer.sort_by_key(|item| std::cmp::Reverse(item.time));
    outer.into_iter().take(REQUESTS_MAX).filter_map(|item| summary(item, &inner)).collect()
}

/// Only the app's own request names the function and the problem.
fn summary(outer: &Item, inner: &HashMap<Key<'_>, &Item>) -> Option<Summary> {
    let mut summary = Summary {
        operation_id: outer.operation_id()?.to_owned(),
        time: rfc3339(outer.time),
        function: None,
        span: span(outer, outer.time, 0)?,
    };
    let next = |item: &&Item| inner.get(&key(item)?).copied();
    for item in std::iter::successors(next(&outer), next).take(NESTED_MAX) {
        let Span { name, problem, .. } = span(item, item.time, 0)?;
        summary.function = Some(name);
        summary.span.problem = summary.span.problem.or(problem);
    }
    Some(summary)
}

/// The ids of an item's operation and span.
fn key(item: &Item) -> Option<Key<'_>> {
    Some((item.operation_id()?, item.span_id()?))
}

fn has_caller(item: &Item, spans: &HashMap<Key<'_>, &Item>) -> bool {
    let mut item = item;
    // Guards against a cycle of parents.
    let mut seen = HashSet::new();
    while let (Some(operation), Some(parent)) = (item.operation_id(), item.parent_id()) {
        match spans.get(&(operation, parent)) {
            Some(caller) if is_request(caller) => return true,
            Some(caller) if seen.insert(parent) => item = caller,
            Some(_) | None => return false,
        }
    }
    false
}

fn is_request(item: &Item) -> bool {
    matches!(item.data, Data::Request(_))
}
