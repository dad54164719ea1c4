//! A trace through the whole system.

use std::time::Duration;

use reqwest::Method;
use stand_ins::app_insights::{Data, Item};

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
    let Data::Request(request) = &host.data else {
        panic!("the host must report a request: {host:?}")
    };
    assert_eq!((request.name.as_str(), request.response_code.as_str()), ("CreatePatient", "201"));
    assert!(insights.rejected().is_empty(), "{:?}", insights.rejected());
}

/// The item of a role for the request.
fn find<'a>(items: &'a [std::sync::Arc<Item>], role: &str) -> Option<&'a Item> {
    let items = items.iter().map(AsRef::as_ref);
    items
        .into_iter()
        .find(|item: &&Item| item.role() == Some(role) && item.operation_id() == Some(TRACE_ID))
}

/// The span of a request or a dependency of this role and name.
fn span<'a>(items: &'a [std::sync::Arc<Item>], role: &str, called: &str) -> Option<&'a Item> {
    items.iter().map(AsRef::as_ref).find(|item: &&Item| {
        let name = match &item.data {
            Data::Request(request) => &request.name,
            Data::Dependency(dependency) => &dependency.name,
            _ => return false,
        };
        item.operation_id() == Some(TRACE_ID) && item.role() == Some(role) && name == called
    })
}

#[tokio::test]
async fn the_apps_report_each_call_below_its_caller_and_no_data() {
    const SPANS: [(&str, &str); 8] = [
        ("gateway", "POST /patient"),
        ("patient-tests-api host", "CreatePatient"),
        ("patient-tests-api", "CreatePatient"),
        ("patient-tests-api", "POST auditrecord"),
        ("patient-tests-api", "insert"),
        ("audit-api host", "CreateAuditRecord"),
        ("audit-api", "CreateAuditRecord"),
        ("audit-api", "insert"),
    ];
    let stack = Stack::start().await;
    let insights = stack.local.insights();
    let traceparent = format!("00-{TRACE_ID}-{CALLER}-01");
    let create = stack.call(Method::POST, "patient").header("traceparent", traceparent);

    let body = patient().to_string().replace("Ada", "Kanarina");
    assert_eq!(create.body(body).send().await.unwrap().status(), 201);

    let is_all = |items: &[_]| SPANS.iter().all(|(role, name)| span(items, role, name).is_some());
    let all = insights.until(is_all, LIMIT).await;
    let items = insights.items();
    assert!(all, "{items:#?}");
    let [gateway, host, app, call, insert, audit_host, audit_app, audit_insert] =
        SPANS.map(|(role, name)| span(&items, role, name).expect("it is there"));
    for (child, parent) in [
        (host, gateway),
        (app, host),
        (call, app),
        (insert, app),
        (audit_host, call),
        (audit_app, audit_host),
        (audit_insert, audit_app),
    ] {
        assert_eq!(child.parent_id(), parent.span_id(), "{child:#?} {parent:#?}");
    }
    assert!(insights.rejected().is_empty(), "{:?}", insights.rejected());
    assert!(items.iter().all(|item| !item.envelope.to_string().contains("Kanarina")));
}
