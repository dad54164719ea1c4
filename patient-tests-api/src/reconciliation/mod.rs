//! Reconciliation: compares what was announced in the audit register with what was written.
//!
//! Every version names the audit record that announced it. A run goes through the minutes since the
//! last report, up to five minutes ago, when every request of a minute has ended. An announced change
//! without a version or an end gets its end in the register; a version without an announcement was
//! written past the app, which is reported and alerted. Each run that went on leaves a report, which
//! is also the position of the next run. Two runs at once do the same twice, which adds nothing.

mod finding;
mod report;
mod store;
mod window;

use std::time::Duration;

use shared::custom_handler::TimerRun;
use shared::telemetry::metrics::{DurationRecorder, EventCounter};
use shared::{Deadline, Result, Timestamp};

use crate::App;

pub(crate) use report::Report;
pub(crate) use store::ReportStore;

/// How long ago a minute must have ended. Requests take 20 seconds at most; the rest is for clocks
/// that differ.
const SETTLING_TIME: Duration = Duration::from_mins(5);

/// The length of the first window of a run.
const WINDOW_MIN: Duration = Duration::from_mins(1);

/// The length to which windows grow after idle times.
const WINDOW_MAX: Duration = Duration::from_mins(15);

/// The next window is longer if this one had fewer announcements and versions.
const QUIET: usize = 1_000;

/// The time that must remain for another window.
const WINDOW_TIME_MIN: Duration = Duration::from_secs(5);

/// Versions that nothing announced.
static FINDINGS: EventCounter = EventCounter::new("reconciliation.findings");

/// Announced changes whose end was found out.
static CONCLUSIONS: EventCounter = EventCounter::new("reconciliation.conclusions");

/// How long ago the period ends that a run has compared.
static LAG: DurationRecorder = DurationRecorder::new("reconciliation.lag");

/// Goes on from the newest report until everything is compared or the time is up.
///
/// # Errors
/// Database or register are throttled or unavailable; what was compared before is reported all the
/// same.
pub(crate) async fn run(app: &App, run: &TimerRun) -> Result<()> {
    let start = position(app, run.deadline).await?;
    let end = minute_of(earlier(Timestamp::now(), SETTLING_TIME));
    let mut report = Report::new(start);
    let outcome = compare(app, &mut report, end, run).await;
    if report.to() > start {
        app.reports.insert(&report, run.reporting_deadline()).await?;
    }
    LAG.record(outcome.is_ok(), since(report.to()));
    outcome
}

/// Where the newest report ends. The first run begins when its process started: what earlier releases
/// wrote has no history, so that nothing can be said about it.
async fn position(app: &App, deadline: Deadline) -> Result<Timestamp> {
    if let Some(newest) = app.reports.newest(deadline).await? {
        return Ok(newest.to());
    }
    let start = minute_of(app.started);
    app.reports.insert(&Report::new(start), deadline).await?;
    Ok(start)
}

/// Compares one window after the other, until `end` or the end of the time.
async fn compare(app: &App, report: &mut Report, end: Timestamp, run: &TimerRun) -> Result<()> {
    let mut length = WINDOW_MIN;
    while report.to() < end && run.deadline.remaining() > WINDOW_TIME_MIN {
        let window = report.to()..later(report.to(), length).min(end);
        let comparison = window::compare(app, &window, run).await?;
        for finding in &comparison.findings {
            finding.log();
        }
        FINDINGS.add(comparison.findings.len() as u64);
        CONCLUSIONS.add(comparison.failed + comparison.succeeded);
        let is_quiet = comparison.intents + comparison.versions < QUIET;
        length = if is_quiet { (length * 2).min(WINDOW_MAX) } else { WINDOW_MIN };
        report.add(&window, comparison);
    }
    Ok(())
}

/// The beginning of a minute.
fn minute_of(moment: Timestamp) -> Timestamp {
    Timestamp::from_unix_ms(moment.unix_ms() - moment.unix_ms().rem_euclid(60_000))
}

fn later(moment: Timestamp, duration: Duration) -> Timestamp {
    Timestamp::from_unix_ms(moment.unix_ms().saturating_add(milliseconds(duration)))
}

fn earlier(moment: Timestamp, duration: Duration) -> Timestamp {
    Timestamp::from_unix_ms(moment.unix_ms().saturating_sub(milliseconds(duration)))
}

fn since(moment: Timestamp) -> Duration {
    let passed = Timestamp::now().unix_ms().saturating_sub(moment.unix_ms());
    Duration::from_millis(u64::try_from(passed).unwrap_or(0))
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
