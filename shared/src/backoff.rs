//! Pauses between attempts.

use std::time::Duration;

/// The bound of the first pause, which doubles with each attempt.
const PAUSE_FIRST: Duration = Duration::from_millis(25);

/// The upper limit of the bound.
pub const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The lower limit of a pause that a server asks for. The time until a deadline has room for many.
const PAUSE_MIN: Duration = Duration::from_millis(5);

/// The pause that the server asked for, else a random one.
pub fn pause(asked_for: Option<Duration>, attempts_made: u32) -> Duration {
    asked_for.map_or_else(|| full_jitter(attempts_made), |pause| pause.max(PAUSE_MIN))
}

/// A random pause below a bound that doubles with each attempt, so that callers that failed at the
/// same time do not retry at the same time.
fn full_jitter(attempts_made: u32) -> Duration {
    let doublings = attempts_made.saturating_sub(1);
    let bound = PAUSE_FIRST.saturating_mul(2u32.saturating_pow(doublings)).min(PAUSE_MAX);
    bound.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for attempts_made in 1..=40 {
            let pause = pause(None, attempts_made);

            assert!(pause <= PAUSE_MAX);
            assert!(attempts_made > 1 || pause <= PAUSE_FIRST);
        }
    }

    #[test]
    fn who_asks_for_no_pause_is_not_called_again_and_again() {
        assert_eq!(pause(Some(Duration::ZERO), 1), PAUSE_MIN);
        assert_eq!(pause(Some(Duration::from_secs(3)), 1), Duration::from_secs(3));
    }
}
