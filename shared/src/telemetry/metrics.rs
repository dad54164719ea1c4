//! The metrics of the apps. Names and attributes are ours; every attribute has few values.
//!
//! Application Insights keeps count, sum, minimum and maximum; percentiles come from requests.

use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram, Meter, UpDownCounter};
use opentelemetry::{KeyValue, global};

/// Created at first use, which is after the start of telemetry; without telemetry they do nothing.
static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| Instruments::new(&meter()));

/// Records durations that only one app has.
#[derive(Debug)]
pub struct DurationRecorder {
    name: &'static str,
    histogram: OnceLock<Histogram<f64>>,
}

/// Counts events that only one app has.
#[derive(Debug)]
pub struct EventCounter {
    name: &'static str,
    counter: OnceLock<Counter<u64>>,
}

struct Instruments {
    invocations: Histogram<f64>,
    in_flight: UpDownCounter<i64>,
    attempts: Counter<u64>,
    throttled: Counter<u64>,
    secrets: Counter<u64>,
}

impl Instruments {
    fn new(meter: &Meter) -> Self {
        Self {
            invocations: meter.f64_histogram("invocation.duration").with_unit("ms").build(),
            in_flight: meter.i64_up_down_counter("invocation.in_flight").build(),
            attempts: meter.u64_counter("database.attempts").build(),
            throttled: meter.u64_counter("database.throttled").build(),
            secrets: meter.u64_counter("secret.read").build(),
        }
    }
}

impl DurationRecorder {
    /// A recorder for the metric of this name, in milliseconds, by success.
    pub const fn new(name: &'static str) -> Self {
        Self { name, histogram: OnceLock::new() }
    }

    /// Records the duration of something that succeeded or failed.
    pub fn record(&self, succeeded: bool, time: Duration) {
        let make = || meter().f64_histogram(self.name).with_unit("ms").build();
        let attributes = [KeyValue::new("success", succeeded)];
        self.histogram.get_or_init(make).record(milliseconds(time), &attributes);
    }
}

impl EventCounter {
    /// A counter for the metric of this name.
    pub const fn new(name: &'static str) -> Self {
        Self { name, counter: OnceLock::new() }
    }

    /// Counts this many events.
    pub fn add(&self, events: u64) {
        let make = || meter().u64_counter(self.name).build();
        self.counter.get_or_init(make).add(events, &[]);
    }
}

/// An invocation in progress, until it is dropped.
pub(crate) struct InFlight(());

impl InFlight {
    /// Counts one more invocation.
    pub(crate) fn begin() -> Self {
        INSTRUMENTS.in_flight.add(1, &[]);
        Self(())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        INSTRUMENTS.in_flight.add(-1, &[]);
    }
}

/// Records an invocation's response status.
pub(crate) fn invocation(function: &str, status: u16, time: Duration) {
    let attributes = [
        KeyValue::new("function", function.to_owned()),
        KeyValue::new("status", i64::from(status)),
    ];
    INSTRUMENTS.invocations.record(milliseconds(time), &attributes);
}

/// Records the attempts of a database operation, and how often it was throttled.
pub(crate) fn database(
    operation: &'static str,
    collection: &'static str,
    attempts: u32,
    throttled: u32,
) {
    let attributes =
        [KeyValue::new("operation", operation), KeyValue::new("collection", collection)];
    INSTRUMENTS.attempts.add(attempts.into(), &attributes);
    if throttled > 0 {
        INSTRUMENTS.throttled.add(throttled.into(), &attributes);
    }
}

/// Records a read from Key Vault, successful or not.
pub(crate) fn secret(setting: &'static str, succeeded: bool) {
    let attributes = [KeyValue::new("setting", setting), KeyValue::new("success", succeeded)];
    INSTRUMENTS.secrets.add(1, &attributes);
}

fn meter() -> Meter {
    global::meter(env!("CARGO_PKG_NAME"))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
