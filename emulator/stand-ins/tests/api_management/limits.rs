//! How often a subscription may call.

use crate::stack::{Stack, problem};
use crate::token;

#[tokio::test]
async fn who_calls_too_often_is_told_when_to_come_back() {
    let stack = Stack::echoing(|options| options.values.rate_limit_per_minute = 2).await;
    for _ in 0..2 {
        assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 201);
    }

    let response = stack.call("GET", "/patient/1").send().await.unwrap();

    let retry_after = response.headers()["retry-after"].to_str().unwrap();
    assert!((1..=60).contains(&retry_after.parse().unwrap()), "{retry_after}");
    let (status, kind, _) = problem(response).await;
    assert_eq!((status, kind.as_str()), (429, "throttled"));
    let other = stack.bare("GET", "/patient/1").header("Ocp-Apim-Subscription-Key", "better");
    assert_eq!(other.send().await.unwrap().status(), 201, "each subscription has its own limit");
}

#[tokio::test]
async fn who_has_used_up_the_day_is_refused_until_it_ends() {
    let stack = Stack::echoing(|options| options.values.quota_per_day = 1).await;
    assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 201);

    let response = stack.call("GET", "/patient/1").send().await.unwrap();

    let retry_after = response.headers()["retry-after"].to_str().unwrap();
    assert!((86300..=86400).contains(&retry_after.parse().unwrap()), "{retry_after}");
    let (status, kind, _) = problem(response).await;
    assert_eq!((status, kind.as_str()), (403, "quota-exceeded"));
}

#[tokio::test]
async fn a_request_without_a_good_key_counts_for_nobody() {
    let stack = Stack::echoing(|options| options.values.rate_limit_per_minute = 1).await;

    for _ in 0..3 {
        assert_eq!(stack.bare("GET", "/patient/1").send().await.unwrap().status(), 401);
        assert_eq!(stack.call("GET", "/nothing").send().await.unwrap().status(), 404);
    }

    assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn the_product_counts_before_the_api_looks_at_the_request() {
    let stack = Stack::echoing(|options| {
        token::demand(options);
        options.values.rate_limit_per_minute = 1;
    })
    .await;

    // Without a token.
    assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 401);
    assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 429);
}
