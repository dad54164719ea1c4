//! What is counted and timed. Names and attributes are ours; no attribute takes many values.
//!
//! Application Insights keeps count, sum, least and most of each; percentiles come from requests.

use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram, Meter, UpDownCounter};
use opentelemetry::{KeyValue, global};

/// Made with the first use, which is after the start of telemetry; without telemetry, of nothing.
static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| Instruments::new(&meter()));

/// Times the calls of one dependency that only one app has.
#[derive(Debug)]
pub struct CallTimer {
    name: &'static str,
    histogram: OnceLock<Histogram<f64>>,
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

impl CallTimer {
    /// The timer whose metric has this name; it counts milliseconds, by success.
    pub const fn new(name: &'static str) -> Self {
        Self { name, histogram: OnceLock::new() }
    }

    /// A call, with its repeated attempts, took this time.
    pub fn record(&self, succeeded: bool, time: Duration) {
        let make = || meter().f64_histogram(self.name).with_unit("ms").build();
        let attributes = [KeyValue::new("success", succeeded)];
        self.histogram.get_or_init(make).record(milliseconds(time), &attributes);
    }
}

/// An invocation that is under way, until it is dropped.
pub(crate) struct InFlight(());

impl InFlight {
    /// Counts one more.
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

/// An invocation was answered with this status.
pub(crate) fn invocation(function: &str, status: u16, time: Duration) {
    let attributes = [
        KeyValue::new("function", function.to_owned()),
        KeyValue::new("status", i64::from(status)),
    ];
    INSTRUMENTS.invocations.record(milliseconds(time), &attributes);
}

/// A database operation took so many attempts, and was throttled so often.
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

/// A secret was read from Key Vault, or could not be.
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
