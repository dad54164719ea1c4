//! Rate limits and quotas, each per subscription.
//!
//! A rate limit uses a sliding window of at most 300 seconds
//! (<https://learn.microsoft.com/azure/api-management/rate-limit-policy>), here in slices of a
//! second; several gateways count less exactly. A quota uses fixed windows that begin with the
//! subscription (<https://learn.microsoft.com/azure/api-management/quota-policy>), here with the
//! gateway. Refused calls are not counted.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The number of calls allowed per period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) calls: u64,
    pub(super) period: Duration,
}

/// The calls of each subscription. A subscription has one product, hence one limit of each kind.
pub(super) struct Limits {
    started: Instant,
    rates: Mutex<HashMap<String, Slices>>,
    quotas: Mutex<HashMap<String, Window>>,
}

/// The time until the next call is allowed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Exceeded(pub(super) Duration);

/// The number of calls in each second that had any.
#[derive(Default)]
struct Slices {
    calls: VecDeque<(u64, u64)>,
    sum: u64,
}

/// The number of calls in one window.
#[derive(Default)]
struct Window {
    number: u64,
    calls: u64,
}

impl Limits {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), rates: Mutex::default(), quotas: Mutex::default() }
    }

    /// Counts a call against the rate limit.
    pub(super) fn rate(&self, subscription: &str, limit: Limit) -> Result<(), Exceeded> {
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let slices = rates.entry(subscription.to_owned()).or_default();
        let (now, period) = (self.started.elapsed(), limit.period.as_secs().max(1));
        while let Some((second, calls)) = slices.calls.front().copied() {
            if second + period > now.as_secs() {
                break;
            }
            slices.calls.pop_front();
            slices.sum -= calls;
        }
        if slices.sum >= limit.calls {
            let oldest = slices.calls.front().map_or(now.as_secs(), |(second, _)| *second);
            return Err(Exceeded(Duration::from_secs(oldest + period).saturating_sub(now)));
        }
        match slices.calls.back_mut() {
            Some((second, calls)) if *second == now.as_secs() => *calls += 1,
            _ => slices.calls.push_back((now.as_secs(), 1)),
        }
        slices.sum += 1;
        Ok(())
    }

    /// Counts a call against the quota.
    pub(super) fn quota(&self, subscription: &str, limit: Limit) -> Result<(), Exceeded> {
        let mut quotas = self.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        let window = quotas.entry(subscription.to_owned()).or_default();
        let (now, period) = (self.started.elapsed(), limit.period.as_secs().max(1));
        let number = now.as_secs() / period;
        if window.number != number {
            *window = Window { number, calls: 0 };
        }
        if window.calls >= limit.calls {
            let end = Duration::from_secs((number + 1) * period);
            return Err(Exceeded(end.saturating_sub(now)));
        }
        window.calls += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn limit(calls: u64, seconds: u64) -> Limit {
        Limit { calls, period: Duration::from_secs(seconds) }
    }

    async fn after(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_window_of_a_rate_limit_slides() {
        let (limits, limit) = (Limits::new(), limit(2, 60));
        assert_eq!(limits.rate("a", limit), Ok(()));
        after(40).await;
        assert_eq!(limits.rate("a", limit), Ok(()));
        assert_eq!(limits.rate("a", limit), Err(Exceeded(Duration::from_secs(20))));
        assert_eq!(limits.rate("b", limit), Ok(()), "each subscription has its own");

        after(20).await;
        assert_eq!(limits.rate("a", limit), Ok(()), "the first call is a minute old");
        assert_eq!(limits.rate("a", limit), Err(Exceeded(Duration::from_secs(40))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_limit_stores_only_its_window() {
        let (limits, limit) = (Limits::new(), limit(u64::MAX, 60));
        for _ in 0..1000 {
            after(1).await;
            limits.rate("a", limit).expect("it is allowed");
        }

        let rates = limits.rates.lock().expect("nobody panicked");
        assert_eq!((rates["a"].calls.len(), rates["a"].sum), (60, 60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_quota_is_renewed_at_the_end_of_its_window() {
        let (limits, limit) = (Limits::new(), limit(2, 86400));
        after(80000).await;
        assert_eq!([(); 2].map(|()| limits.quota("a", limit)), [Ok(()), Ok(())]);
        assert_eq!(limits.quota("a", limit), Err(Exceeded(Duration::from_secs(6400))));
        assert_eq!(limits.quota("b", limit), Ok(()));

        after(6400).await;
        assert_eq!(limits.quota("a", limit), Ok(()));
    }
}
