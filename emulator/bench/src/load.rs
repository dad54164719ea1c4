//! Clients that repeat one call, and the latencies.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::process::{PARTS, Processes, cpu_time_of_all};

/// A client that waits for each response before the next call.
pub(crate) trait Caller: Send + 'static {
    /// Makes one call.
    fn call(&mut self) -> impl Future<Output = Result<(), String>> + Send;
}

/// The durations of a phase.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

/// The measurements of a phase.
pub(crate) struct Measured {
    /// In ascending order.
    latencies: Vec<Duration>,
    elapsed: Duration,
    cpu: [Duration; PARTS.len()],
    /// CPU time of unrelated processes.
    cpu_of_others: Duration,
    pub(crate) failures: Failures,
}

/// Failed calls.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    pub(crate) count: u64,
    /// The message of the first failure.
    pub(crate) first: Option<String>,
}

/// CPU time and number of requests of several phases.
#[derive(Default)]
pub(crate) struct CpuUsage {
    cpu: Duration,
    requests: usize,
}

#[derive(Default)]
struct Tally {
    latencies: Vec<Duration>,
    failures: Failures,
}

/// Runs all clients concurrently and measures after the warm-up.
pub(crate) async fn measure<C: Caller>(
    callers: Vec<C>,
    timing: Timing,
    processes: Processes,
) -> Measured {
    let begin = Instant::now() + timing.warm_up;
    let end = begin + timing.measured;
    let mut running = JoinSet::new();
    for mut caller in callers {
        running.spawn(async move {
            let mut tally = Tally::default();
            loop {
                let sent = Instant::now();
                if sent >= end {
                    return tally;
                }
                match caller.call().await {
                    Ok(()) if sent >= begin => tally.latencies.push(sent.elapsed()),
                    Ok(()) => {}
                    Err(failure) => tally.failures.add(failure),
                }
            }
        });
    }
    tokio::time::sleep_until(begin).await;
    let (before, all_before) = (processes.cpu_times(), cpu_time_of_all());
    tokio::time::sleep_until(end).await;
    let (after, all_after) = (processes.cpu_times(), cpu_time_of_all());
    let mut total = join(running).await;
    total.latencies.sort_unstable();
    let cpu: [_; PARTS.len()] =
        std::array::from_fn(|part| after[part].saturating_sub(before[part]));
    let cpu_of_all = all_after.saturating_sub(all_before);
    Measured {
        latencies: total.latencies,
        elapsed: timing.measured,
        cpu,
        cpu_of_others: cpu_of_all.saturating_sub(cpu.iter().sum()),
        failures: total.failures,
    }
}

/// Runs all clients concurrently, each for this many calls.
pub(crate) async fn repeat<C: Caller>(callers: Vec<C>, times: usize) -> Failures {
    let mut running = JoinSet::new();
    for mut caller in callers {
        running.spawn(async move {
            let mut tally = Tally::default();
            for _ in 0..times {
                if let Err(failure) = caller.call().await {
                    tally.failures.add(failure);
                }
            }
            tally
        });
    }
    join(running).await.failures
}

/// The median; NaN without values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

async fn join(mut running: JoinSet<Tally>) -> Tally {
    let mut total = Tally::default();
    while let Some(joined) = running.join_next().await {
        match joined {
            Ok(tally) => {
                total.latencies.extend(tally.latencies);
                total.failures.merge(tally.failures);
            }
            Err(panic) => total.failures.add(panic.to_string()),
        }
    }
    total
}

impl CpuUsage {
    /// Adds a phase with its CPU time.
    pub(crate) fn add(&mut self, measured: &Measured, cpu: Duration) {
        self.cpu += cpu;
        self.requests += measured.requests();
    }

    pub(crate) fn cpu_us_per_request(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.requests as f64
    }
}

impl Failures {
    /// Fails if any call failed.
    pub(crate) fn check(&self) -> Result<(), String> {
        match &self.first {
            None => Ok(()),
            Some(first) => Err(format!("{} requests failed; the first: {first}", self.count)),
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        if self.first.is_none() {
            self.first = other.first;
        }
    }

    fn add(&mut self, failure: String) {
        self.merge(Self { count: 1, first: Some(failure) });
    }
}

impl Measured {
    pub(crate) fn requests(&self) -> usize {
        self.latencies.len()
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that this share of the requests does not exceed, in microseconds.
    pub(crate) fn percentile_us(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1) as f64;
        let latency = self.latencies.get((last * share).round() as usize);
        latency.map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
    }

    /// The average number of processors that unrelated processes used.
    pub(crate) fn processors_of_others(&self) -> f64 {
        self.cpu_of_others.as_secs_f64() / self.elapsed.as_secs_f64()
    }

    /// CPU time of both handlers.
    pub(crate) fn cpu_of_handlers(&self) -> Duration {
        self.cpu[0] + self.cpu[1]
    }

    /// CPU time of this process.
    pub(crate) fn cpu_of_bench(&self) -> Duration {
        self.cpu[2]
    }

    /// CPU time of mongod.
    pub(crate) fn cpu_of_mongod(&self) -> Duration {
        self.cpu[3]
    }

    /// CPU time per request of each process, in microseconds.
    pub(crate) fn cpu_us(&self) -> [f64; PARTS.len()] {
        self.cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / self.latencies.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_latencies_that_occurred() {
        let latencies = (1..=1000).map(Duration::from_micros).collect();
        let cpu = [Duration::from_millis(10); PARTS.len()];
        let failures = Failures::default();
        let cpu_of_others = Duration::from_secs(1);
        let elapsed = Duration::from_secs(2);
        let measured = Measured { latencies, elapsed, cpu, cpu_of_others, failures };

        assert_eq!(measured.percentile_us(0.5).round(), 501.0);
        assert_eq!(measured.percentile_us(0.999).round(), 999.0);
        assert_eq!(measured.per_second(), 500.0);
        assert_eq!(measured.cpu_us()[0], 10.0);
        assert_eq!(measured.processors_of_others(), 0.5);
    }
}
