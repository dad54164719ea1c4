//! The deployed policies in front of both apps.

use std::collections::BTreeSet;

use reqwest::{Method, Response};
use serde_json::Value;

use crate::stack::{Stack, json_of, package_apps, patient};

const NOBODY: &str = "patient/00000000-0000-4000-8000-000000000000";

/// Sends requests until one has this status.
async fn until(stack: &Stack, status: u16, requests_max: usize) -> Response {
    for _ in 0..requests_max {
        let response = stack.call(Method::GET, NOBODY).send().await.expect("the gateway responds");
        if response.status().as_u16() == status {
            return response;
        }
    }
    panic!("none of {requests_max} requests has status {status}");
}

#[tokio::test]
async fn the_rate_limit_applies() {
    const CALLS: u64 = 10;
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let functions = folder.path().join("functions");
    package_apps(&functions);
    let stack = Stack::start_with(&functions, folder.path(), |options| {
        options.rate_limit_per_minute = Some(CALLS);
        options.quota_per_day = Some(2 * CALLS);
    })
    .await;

    let refused = until(&stack, 429, 11).await;

    let retry_after = refused.headers()["retry-after"].to_str().expect("it is text").parse();
    assert!((1..=60).contains(&retry_after.expect("seconds")));
    let problem = json_of(refused, 429).await;
    assert_eq!(problem["type"], "urn:problem:patient-records:throttled");
}

#[tokio::test]
async fn each_product_has_a_key_of_its_own() {
    let stack = Stack::start().await;
    let subscriptions = stack.local.subscriptions();
    let ids: Vec<_> = subscriptions.iter().map(|one| (&*one.id, &*one.product)).collect();
    assert_eq!(
        ids,
        [
            ("developer", "developer"),
            ("first-caller", "patient-records"),
            ("first-laboratory", "laboratory"),
            ("monitoring", "monitoring"),
            ("privacy-office", "privacy-office"),
        ]
    );
    let keys: BTreeSet<_> = subscriptions.iter().map(|one| &one.key).collect();
    assert_eq!(keys.len(), 5);
}

#[tokio::test]
async fn refusals_of_the_gateway_have_the_format_of_the_apps_problems() {
    let stack = Stack::start().await;
    let url = format!("{}/{NOBODY}", stack.local.url());
    let app = stack.send(Method::GET, NOBODY, &Value::Null, 404).await;
    let keyless = stack.client.get(url).send().await.expect("the gateway responds");
    let no_operation = stack.send(Method::PATCH, "patient", &patient(), 404).await;

    for refused in [json_of(keyless, 401).await, no_operation] {
        let members = |problem: &Value| {
            let members = problem.as_object().expect("a problem is an object");
            members.keys().cloned().collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(members(&refused), members(&app), "{refused}");
        assert_eq!(refused["traceId"].as_str().map(str::len), Some(32), "{refused}");
    }
}
