//! The point in time by which an invocation must be answered.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, error::Elapsed, timeout_at};

/// How long an invocation may take before it is answered with 503.
const INVOCATION_TIME_MAX: Duration = Duration::from_secs(20);

/// The part of that time that is kept for reporting how work ended that took too long.
const REPORTING_RESERVE: Duration = Duration::from_secs(2);

/// One deadline per invocation; every wait for a database or another service ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline that lies `duration` ahead.
    pub fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }

    /// The deadline for the work of an invocation that begins now.
    pub(crate) fn of_invocation() -> Self {
        Self::after(INVOCATION_TIME_MAX - REPORTING_RESERVE)
    }

    /// When the answer is due if this is the deadline for the work: the reserve after it is for
    /// reporting how the work ended.
    pub(crate) fn for_reporting(self) -> Self {
        Self(self.0 + REPORTING_RESERVE)
    }

    /// The earlier of this deadline and `duration` from now.
    pub fn at_most(self, duration: Duration) -> Self {
        self.min(Self::after(duration))
    }

    /// The time that is left; zero once the deadline has passed.
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
