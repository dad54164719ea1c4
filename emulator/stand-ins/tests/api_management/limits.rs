//! Rate limits and quotas.

use crate::stack::{Stack, problem};
use crate::token;

#[tokio::test]
async fn a_rate_limit_returns_429_with_retry_after() {
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
async fn a_quota_returns_403_until_it_is_renewed() {
    let stack = Stack::echoing(|options| options.values.quota_per_day = 1).await;
    assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 201);

    let response = stack.call("GET", "/patient/1").send().await.unwrap();

    let retry_after = response.headers()["retry-after"].to_str().unwrap();
    assert!((86300..=86400).contains(&retry_after.parse().unwrap()), "{retry_after}");
    let (status, kind, _) = problem(response).await;
    assert_eq!((status, kind.as_str()), (403, "quota-exceeded"));
}

#[tokio::test]
async fn a_request_without_a_valid_key_is_not_counted() {
    let stack = Stack::echoing(|options| options.values.rate_limit_per_minute = 1).await;

    for _ in 0..3 {
        assert_eq!(stack.bare("GET", "/patient/1").send().await.unwrap().status(), 401);
        assert_eq!(stack.call("GET", "/nothing").send().await.unwrap().status(), 404);
    }

    assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn the_product_counts_before_the_api_validates_the_request() {
    let stack = Stack::echoing(|options| {
        token::demand(options);
        options.values.rate_limit_per_minute = 1;
    })
    .await;

    // Without a token.
    assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 401);
    assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 429);
}
