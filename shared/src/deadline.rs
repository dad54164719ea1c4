//! The time by which an invocation must be answered.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, error::Elapsed, timeout_at};

/// How long an invocation may take before it is answered with 503.
const INVOCATION_TIME_MAX: Duration = Duration::from_secs(20);

/// How long a run on a schedule may take. With the reserve it ends before the `functionTimeout` in
/// `host.json`, at which the host kills the handler with all requests in flight.
const TIMER_TIME_MAX: Duration = Duration::from_secs(45);

/// The part of a request's time that is reserved for recording an operation that timed out.
const REPORTING_RESERVE: Duration = Duration::from_secs(2);

/// The deadline of one invocation; no wait for a database or another service goes beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline `duration` from now.
    pub fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }

    /// The deadline for the work of an invocation that starts now.
    pub(crate) fn of_invocation() -> Self {
        Self::after(INVOCATION_TIME_MAX - REPORTING_RESERVE)
    }

    /// The deadline for the work of a run on a schedule that starts now.
    pub(crate) fn of_timer() -> Self {
        Self::after(TIMER_TIME_MAX)
    }

    /// When the response is due if this is the deadline for the work. The reserve in between is for
    /// recording how the work ended.
    pub(crate) fn for_reporting(self) -> Self {
        Self(self.0 + REPORTING_RESERVE)
    }

    /// The earlier of this deadline and `duration` from now.
    pub fn at_most(self, duration: Duration) -> Self {
        self.min(Self::after(duration))
    }

    /// The remaining time; zero once the deadline has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Waits for `future`, but no longer than the deadline.
    ///
    /// # Errors
    /// [`Elapsed`] if the deadline passed first; the future is dropped.
    pub async fn wait<F: Future>(self, future: F) -> Result<F::Output, Elapsed> {
        timeout_at(self.0, future).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_ends_with_the_deadline() {
        let deadline = Deadline::after(Duration::ZERO);

        assert!(deadline.wait(std::future::pending::<()>()).await.is_err());
        assert_eq!(deadline.remaining(), Duration::ZERO);
    }

    #[tokio::test]
    async fn the_earlier_end_counts() {
        let deadline = Deadline::after(Duration::from_secs(20));

        assert!(deadline.at_most(Duration::from_secs(5)) < deadline);
        assert_eq!(deadline.at_most(Duration::from_secs(60)), deadline);
        assert!(deadline.for_reporting() > deadline);
    }
}
