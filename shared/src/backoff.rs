//! Pauses between attempts.

use std::time::Duration;

/// The first pause lies between nothing and this; the bound doubles with each attempt.
const PAUSE_FIRST: Duration = Duration::from_millis(25);

/// The longest pause.
pub const PAUSE_MAX: Duration = Duration::from_secs(2);

/// A random pause up to a bound that doubles with each attempt made, so that callers who failed
/// together do not come back together.
pub fn full_jitter(attempts_made: u32) -> Duration {
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
            let pause = full_jitter(attempts_made);

            assert!(pause <= PAUSE_MAX);
            assert!(attempts_made > 1 || pause <= PAUSE_FIRST);
        }
    }
}
