//! The one loop that repeats what failed.

use std::future::Future;
use std::time::Duration;

use tracing::Span;

use crate::Deadline;

/// The longest that one attempt may take; a connection that went silent is given up after it.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(5);

/// Why an attempt failed.
pub trait Failure {
    /// Nobody answered in time.
    fn silence() -> Self;

    /// How long to wait for the next attempt; `None` if it would fail in the same way.
    fn pause_after(&self, attempts_made: u32) -> Option<Duration>;
}

/// Repeats an operation until it succeeds, fails for good, or the deadline leaves no time.
///
/// Returns how many attempts that took, too; the current span gets the field `attempts` if there
/// were several. `note` hears of each failure that is followed by another attempt, with the number
/// of the attempt and the pause.
pub async fn until<T, E, F>(
    deadline: Deadline,
    mut attempt: impl FnMut() -> F,
    mut note: impl FnMut(&E, u32, Duration),
) -> (Result<T, E>, u32)
where
    E: Failure,
    F: Future<Output = Result<T, E>>,
{
    let mut attempts = 1;
    let mut last = None;
    let outcome = loop {
        let failure = match deadline.at_most(ATTEMPT_TIME_MAX).wait(attempt()).await {
            Ok(Ok(value)) => break Ok(value),
            Ok(Err(failure)) => failure,
            Err(_) => match last {
                // The deadline cut this attempt short: what was said before says more.
                Some(failure) if deadline.remaining().is_zero() => break Err(failure),
                _ => E::silence(),
            },
        };
        match failure.pause_after(attempts) {
            Some(pause) if pause < deadline.remaining() => {
                note(&failure, attempts, pause);
                tokio::time::sleep(pause).await;
            }
            Some(_) | None => break Err(failure),
        }
        last = Some(failure);
        attempts += 1;
    };
    if attempts > 1 {
        Span::current().record("attempts", attempts);
    }
    (outcome, attempts)
}
