//! One trace through the whole system.

use std::time::Duration;

use emulator::app_insights::{Data, Item};
use reqwest::Method;

use crate::stack::{Stack, patient};

const LIMIT: Duration = Duration::from_secs(10);

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

#[tokio::test]
async fn gateway_and_hosts_report_one_operation() {
    let stack = Stack::start().await;
    let insights = stack.local.insights();
    let traceparent = format!("00-{TRACE_ID}-{CALLER}-01");
    let create = stack.call(Method::POST, "patient").header("traceparent", traceparent);

    let created = create.body(patient().to_string()).send().await.unwrap();

    assert_eq!(created.status(), 201);
    let roles = ["gateway", "patient-tests-api host", "audit-api host"];
    let is_there = |items: &[_], role| find(items, role).is_some();
    let all = insights.until(|items| roles.iter().all(|role| is_there(items, role)), LIMIT).await;
    let items = insights.items();
    assert!(all, "{items:?}");
    let gateway = find(&items, roles[0]).unwrap();
    let host = find(&items, roles[1]).unwrap();
    assert_eq!(gateway.parent_id(), Some(CALLER));
    assert_eq!(host.parent_id(), gateway.span_id());
    assert!(find(&items, roles[2]).unwrap().parent_id().is_some());
    let Data::Request(request) = &host.data else { panic!("{host:?}") };
    assert_eq!((request.name.as_str(), request.response_code.as_str()), ("CreatePatient", "201"));
    assert!(insights.rejected().is_empty(), "{:?}", insights.rejected());
}

/// What a role reported about the one request.
fn find<'a>(items: &'a [std::sync::Arc<Item>], role: &str) -> Option<&'a Item> {
    let items = items.iter().map(AsRef::as_ref);
    items
        .into_iter()
        .find(|item: &&Item| item.role() == Some(role) && item.operation_id() == Some(TRACE_ID))
}
