//! The health check of an app, for probes.
//!
//! A check covers every dependency that requests need. Probes come every few seconds from several
//! places; they share one check and its result, so they cost little.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::http::Response;
use crate::{Deadline, Error, Result};

/// The time limit of a check, for all parts together (design, section 2).
const CHECK_TIME_MAX: Duration = Duration::from_secs(2);

/// How long a result is reused (design, section 2).
const MEMORY_TIME: Duration = Duration::from_secs(5);

/// The result of the last check.
#[derive(Default)]
pub struct Health {
    /// Held while checking. A cancelled check changes nothing, and the next caller starts another.
    last: Mutex<Option<Finding>>,
}

struct Finding {
    made: Instant,
    is_healthy: bool,
}

/// Proof that a check passed. It has no fields, so its response has no data.
#[derive(Debug)]
pub struct Healthy(());

/// A dependency of requests, and the operation that proves that it works.
pub struct Part<'a> {
    name: &'static str,
    proof: Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>,
}

impl<'a> Part<'a> {
    /// A part that works if `proof` succeeds by the deadline of the check.
    pub fn new(name: &'static str, proof: impl Future<Output = Result<()>> + Send + 'a) -> Self {
        Self { name, proof: Box::pin(proof) }
    }

    /// Why it does not work; `None` if it does.
    async fn fault(self, deadline: Deadline) -> Option<String> {
        let fault = match deadline.wait(self.proof).await {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => error.with_causes(),
            Err(_) => "no answer in time".to_owned(),
        };
        Some(format!("{}: {fault}", self.name))
    }
}

impl Health {
    /// Checks all parts concurrently, unless the last result is recent. One caller checks; the
    /// others wait for its result.
    ///
    /// # Errors
    /// [`Error::Unhealthy`] if a part fails or times out. The log names the part, once.
    pub async fn check<'a, const N: usize>(
        &self,
        deadline: Deadline,
        parts: impl FnOnce(Deadline) -> [Part<'a>; N],
    ) -> Result<Healthy> {
        let mut last = deadline.wait(self.last.lock()).await.map_err(|_| Error::Unhealthy)?;
        let is_healthy = match &*last {
            Some(finding) if finding.made.elapsed() < MEMORY_TIME => finding.is_healthy,
            earlier => {
                let was_healthy = earlier.as_ref().is_none_or(|finding| finding.is_healthy);
                let deadline = deadline.at_most(CHECK_TIME_MAX);
                let parts = parts(deadline).map(|part| part.fault(deadline));
                let faults: Vec<_> = join_all(parts).await.into_iter().flatten().collect();
                let is_healthy = faults.is_empty();
                log(was_healthy, &faults);
                *last = Some(Finding { made: Instant::now(), is_healthy });
                is_healthy
            }
        };
        if is_healthy { Ok(Healthy(())) } else { Err(Error::Unhealthy) }
    }
}

impl Healthy {
    /// 200 with an empty object.
    pub fn into_response(self) -> Response {
        Response::ok(&serde_json::Map::new())
    }
}

/// Logs one line per change.
fn log(was_healthy: bool, faults: &[String]) {
    match (was_healthy, faults.is_empty()) {
        (true, false) => {
            tracing::warn!(faults = faults.join("; "), "unhealthy: requests would fail");
        }
        (false, true) => tracing::info!("healthy again"),
        (true, true) | (false, false) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::{advance, sleep, timeout};

    use super::*;

    /// A delay longer than any check.
    const INVOCATION: Duration = Duration::from_secs(18);

    /// Checks one part with this result, and counts the checks.
    async fn check(health: &Health, checks: &AtomicUsize, says: Result<()>) -> bool {
        let one = |_| {
            checks.fetch_add(1, Ordering::Relaxed);
            [Part::new("database", ready(says))]
        };
        health.check(Deadline::after(INVOCATION), one).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn either_finding_counts_for_five_seconds_and_no_longer() {
        let (health, checks) = (Health::default(), AtomicUsize::new(0));

        assert!(check(&health, &checks, Ok(())).await);
        advance(Duration::from_millis(4999)).await;
        assert!(check(&health, &checks, Err(Error::NotFound)).await);
        assert_eq!(checks.load(Ordering::Relaxed), 1);
        advance(Duration::from_millis(1)).await;
        assert!(!check(&health, &checks, Err(Error::NotFound)).await);
        advance(Duration::from_millis(4999)).await;
        assert!(!check(&health, &checks, Ok(())).await);
        assert_eq!(checks.load(Ordering::Relaxed), 2);
        advance(Duration::from_millis(1)).await;
        assert!(check(&health, &checks, Ok(())).await);
        assert_eq!(checks.load(Ordering::Relaxed), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn callers_at_the_same_time_share_one_check() {
        let (health, checks) = (Health::default(), AtomicUsize::new(0));
        let probe = || {
            let slow = |_| {
                checks.fetch_add(1, Ordering::Relaxed);
                [Part::new("database", async {
                    sleep(Duration::from_secs(1)).await;
                    Ok(())
                })]
            };
            health.check(Deadline::after(INVOCATION), slow)
        };
        let started = Instant::now();

        let found = join_all((0..20).map(|_| probe())).await;

        assert!(found.iter().all(Result::is_ok));
        assert_eq!(checks.load(Ordering::Relaxed), 1);
        assert_eq!(started.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_hangs_is_given_up_after_two_seconds_and_by_all_who_wait() {
        let health = Health::default();
        let hanging = |_| [Part::new("secrets", ready(Ok(()))), Part::new("database", pending())];
        let started = Instant::now();

        let probes = (0..3).map(|_| health.check(Deadline::after(INVOCATION), hanging));
        let found = join_all(probes).await;

        assert!(found.iter().all(|one| matches!(one, Err(Error::Unhealthy))));
        assert_eq!(started.elapsed(), CHECK_TIME_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn an_invocation_that_ends_sooner_ends_the_check() {
        let health = Health::default();
        let started = Instant::now();

        let deadline = Deadline::after(Duration::from_secs(1));
        let found = health.check(deadline, |_| [Part::new("database", pending())]).await;

        assert!(matches!(found, Err(Error::Unhealthy)));
        assert_eq!(started.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_parts_are_proved_side_by_side() {
        let health = Health::default();
        let slow = || async {
            sleep(Duration::from_millis(1500)).await;
            Ok(())
        };
        let started = Instant::now();

        let parts = |_| ["secrets", "database", "register"].map(|name| Part::new(name, slow()));
        health.check(Deadline::after(INVOCATION), parts).await.expect("each is in time");

        assert_eq!(started.elapsed(), Duration::from_millis(1500));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_goes_away_leaves_nothing_stuck() {
        let (health, checks) = (Health::default(), AtomicUsize::new(0));
        let hanging = health.check(Deadline::after(INVOCATION), |_| [Part::new("a", pending())]);

        timeout(Duration::from_secs(1), hanging).await.expect_err("it hangs");

        assert!(check(&health, &checks, Ok(())).await);
        assert_eq!(checks.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_fault_names_its_part_and_its_causes() {
        let deadline = Deadline::after(INVOCATION);
        let fault =
            async |proof: Result<()>| Part::new("database", ready(proof)).fault(deadline).await;

        assert_eq!(fault(Ok(())).await, None);
        let error = Error::unavailable("The database", "connection failed");
        assert_eq!(
            fault(Err(error)).await.as_deref(),
            Some("database: The database is unavailable: connection failed")
        );
    }
}
