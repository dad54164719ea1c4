//! The retry loop of database operations and calls of other services.

use std::future::Future;
use std::time::Duration;

use tracing::Span;

use crate::Deadline;

/// The time limit of one attempt; it ends waits on dead connections.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(5);

/// The time that must remain for another attempt. One that the deadline cuts short leaves the outcome
/// of a write unknown, and a caller would not learn why all attempts before it failed.
const ATTEMPT_TIME_MIN: Duration = Duration::from_millis(500);

/// Why an attempt failed.
pub trait Failure {
    /// A failure that stands for no response in time.
    fn silence() -> Self;

    /// The pause before the next attempt; `None` if retrying cannot help.
    fn pause_after(&self, attempts_made: u32) -> Option<Duration>;
}

/// Repeats an operation until it succeeds, fails permanently, or the deadline is reached.
///
/// Also returns the number of attempts; the current span gets the field `attempts` if there were
/// several. `note` is called before each retry with the failure, the number of the attempt and the
/// pause.
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
                // The deadline cut this attempt short: the previous failure is more informative.
                Some(failure) if deadline.remaining().is_zero() => break Err(failure),
                _ => E::silence(),
            },
        };
        match failure.pause_after(attempts) {
            Some(pause) if pause + ATTEMPT_TIME_MIN < deadline.remaining() => {
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
