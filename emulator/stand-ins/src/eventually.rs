//! Waiting in tests for a state that nothing announces.

use std::time::Duration;

use tokio::time::Instant;

/// The longest wait. It is long because a busy machine is slow, not because anything needs it.
const LIMIT: Duration = Duration::from_secs(60);

/// The pause between two checks.
const INTERVAL: Duration = Duration::from_millis(5);

/// Waits until a condition holds; `what` names it for the message of a failure.
///
/// # Panics
/// If the condition does not hold within a minute.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !condition().await {
        assert!(Instant::now() < end, "not within {LIMIT:?}: {what}");
        tokio::time::sleep(INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::eventually;

    #[tokio::test(start_paused = true)]
    async fn a_condition_is_checked_until_it_holds() {
        let mut checks = 0;

        eventually("the third check", async || {
            checks += 1;
            checks == 3
        })
        .await;

        assert_eq!(checks, 3);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "not within 60s: something happens")]
    async fn a_condition_that_never_holds_fails_the_test_and_is_named() {
        eventually("something happens", async || false).await;
    }
}
