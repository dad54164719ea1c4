//! The host key: cached, and fetched again when the host refuses it.

use futures_util::future::join_all;
use stand_ins::key_vault::Fault;

use crate::backend::PickyHost;
use crate::stack::{GATEWAY, HOST_KEY, Stack, problem};

/// A host that accepts the key `first`, and a gateway that has used it.
async fn warm() -> (PickyHost, Stack) {
    let host = PickyHost::default();
    host.accept(&["first"]);
    let stack = Stack::before(host.start().await).await;
    assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 200);
    (host, stack)
}

fn reads(stack: &Stack) -> usize {
    stack.vault.read_count(GATEWAY, HOST_KEY)
}

#[tokio::test]
async fn the_key_is_fetched_once_and_cached() {
    let (host, stack) = warm().await;

    stack.vault.fail(Some(Fault::Drop));
    for _ in 0..3 {
        assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 200);
    }

    assert_eq!((reads(&stack), host.refusals()), (1, 0));
}

#[tokio::test]
async fn a_refused_key_is_fetched_again_and_the_request_repeated_with_its_body() {
    let (host, stack) = warm().await;

    host.accept(&["second"]);
    stack.vault.set_secret(HOST_KEY, "second");
    let response = stack.call("POST", "/patient").body("{}").send().await.unwrap();

    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), "{}");
    assert_eq!((reads(&stack), host.refusals()), (2, 1));
    assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 200);
    assert_eq!((reads(&stack), host.refusals()), (2, 1), "the new key is kept");
}

/// The policy lets each request fetch the key, so sixteen concurrent requests read it up to sixteen
/// times: each drops the value that another may just have stored.
#[tokio::test]
async fn no_concurrent_request_fails_during_a_rotation() {
    let (host, stack) = warm().await;

    host.accept(&["second"]);
    stack.vault.set_secret(HOST_KEY, "second");
    let calls = (0..16).map(|_| stack.call("POST", "/patient").body("{}").send());
    for response in join_all(calls).await {
        let response = response.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.text().await.unwrap(), "{}");
    }

    let (fetched_again, refusals) = (reads(&stack) - 1, host.refusals());
    assert!((1..=16).contains(&refusals), "{refusals} refusals");
    assert!((1..=16).contains(&fetched_again), "{fetched_again} more reads");
}

#[tokio::test]
async fn no_request_is_refused_while_the_host_accepts_both_keys() {
    let (host, stack) = warm().await;

    host.accept(&["first", "second"]);
    stack.vault.set_secret(HOST_KEY, "second");
    assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 200);
    assert_eq!(
        (reads(&stack), host.refusals()),
        (1, 0),
        "the old key is good as long as it is taken"
    );
    host.accept(&["second"]);
    assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 200);
    assert_eq!((reads(&stack), host.refusals()), (2, 1));
}

#[tokio::test]
async fn a_key_that_stays_refused_is_tried_twice_and_becomes_a_503() {
    let host = PickyHost::default();
    let stack = Stack::before(host.start().await).await;

    let response = stack.call("GET", "/patient/1").send().await.unwrap();

    assert!(!response.headers().contains_key("www-authenticate"));
    assert_eq!(response.headers()["retry-after"], "5");
    let (status, kind, _) = problem(response).await;
    assert_eq!((status, kind.as_str()), (503, "unavailable"));
    assert_eq!((reads(&stack), host.refusals()), (2, 2));
}

#[tokio::test]
async fn without_a_host_key_the_api_is_unavailable_until_the_vault_responds() {
    for break_vault in [
        (|stack| stack.vault.revoke(GATEWAY, HOST_KEY)) as fn(&Stack),
        |stack| stack.vault.fail(Some(Fault::Drop)),
        |stack| stack.vault.fail(Some(Fault::Status(429))),
        |stack| stack.vault.fail_identities(Some(Fault::Status(500))),
    ] {
        let host = PickyHost::default();
        host.accept(&["first"]);
        let stack = Stack::before(host.start().await).await;
        break_vault(&stack);

        let response = stack.call("GET", "/patient/1").send().await.unwrap();
        assert_eq!(response.headers()["retry-after"], "5");
        let (status, kind, _) = problem(response).await;
        assert_eq!((status, kind.as_str()), (503, "unavailable"));

        stack.vault.grant(GATEWAY, HOST_KEY);
        stack.vault.fail(None);
        stack.vault.fail_identities(None);
        assert_eq!(stack.call("GET", "/patient/1").send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_vault_that_goes_down_during_a_rotation_makes_the_api_unavailable() {
    let (host, stack) = warm().await;

    host.accept(&["second"]);
    stack.vault.fail(Some(Fault::Drop));
    let response = stack.call("GET", "/patient/1").send().await.unwrap();

    assert_eq!(problem(response).await.0, 503);
    assert_eq!((reads(&stack), host.refusals()), (1, 1));
}
