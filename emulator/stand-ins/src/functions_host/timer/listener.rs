//! Runs a function on its schedule, one run after the other (`TimerListener.cs`).

use std::time::Duration;

use time::OffsetDateTime;

use super::Schedule;
use super::status::{Start, Status};

/// The longest single sleep, so that a machine that was suspended checks its clock again soon.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// The function to run, and the store of its status.
pub(super) trait Target: Send + Sync {
    fn schedule(&self) -> &Schedule;

    /// The stored status, if there is one.
    fn stored(&self) -> Option<Status>;

    fn store(&self, status: Status);

    /// Runs the function to its end, whether it succeeds or not.
    fn run(&self, status: Option<Status>, is_past_due: bool) -> impl Future<Output = ()> + Send;
}

/// Runs the target when it is due. Occurrences that pass during a run or while the host is down
/// lead to one immediate run.
pub(super) async fn listen(target: impl Target, now: impl Fn() -> OffsetDateTime + Send) {
    let schedule = target.schedule();
    let is_monitored = schedule.is_monitored(now());
    let stored = if is_monitored { target.stored() } else { None };
    let Start { mut status, mut is_past_due, stored } = Start::new(stored, schedule, now());
    if let Some(stored) = stored.filter(|_| is_monitored) {
        target.store(stored);
    }
    loop {
        if !is_past_due {
            sleep_until(status.next(), &now).await;
        }
        let began = now();
        target.run(is_monitored.then_some(status), is_past_due).await;
        status = status.after(began, is_past_due, schedule);
        if is_monitored {
            target.store(status);
        }
        is_past_due = false;
    }
}

async fn sleep_until(due: Option<OffsetDateTime>, now: impl Fn() -> OffsetDateTime) {
    let left = || Duration::try_from(due? - now()).ok().filter(|left| !left.is_zero());
    while let Some(left) = left() {
        tokio::time::sleep(left.min(SLEEP_MAX)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use time::format_description::well_known::Rfc3339;
    use tokio::time::Instant;

    use super::*;

    /// A function with a duration; records its runs and its stored status.
    struct Recording {
        schedule: Schedule,
        duration: Duration,
        stored: Mutex<Option<Status>>,
        runs: Mutex<Vec<Value>>,
        clock: Clock,
    }

    /// A clock that follows the virtual time of a test.
    #[derive(Clone, Copy)]
    struct Clock(OffsetDateTime, Instant);

    impl Clock {
        fn at(text: &str) -> Self {
            Self(OffsetDateTime::parse(text, &Rfc3339).unwrap(), Instant::now())
        }

        fn now(self) -> OffsetDateTime {
            self.0 + self.1.elapsed()
        }

        fn text(self) -> String {
            self.now().format(&Rfc3339).unwrap()
        }
    }

    impl Target for Arc<Recording> {
        fn schedule(&self) -> &Schedule {
            &self.schedule
        }

        fn stored(&self) -> Option<Status> {
            *self.stored.lock().unwrap()
        }

        fn store(&self, status: Status) {
            *self.stored.lock().unwrap() = Some(status);
        }

        async fn run(&self, status: Option<Status>, is_past_due: bool) {
            let run = json!([self.clock.text(), is_past_due, status]);
            self.runs.lock().unwrap().push(run);
            tokio::time::sleep(self.duration).await;
        }
    }

    /// The runs in the minutes after a start at 07:30, and the stored status.
    async fn runs(
        schedule: &str,
        seconds: u64,
        stored: Option<Status>,
        minutes: u64,
    ) -> (Vec<Value>, Option<Status>) {
        let clock = Clock::at("2026-01-01T07:30:00Z");
        let target = Arc::new(Recording {
            schedule: Schedule::parse(schedule).unwrap(),
            duration: Duration::from_secs(seconds),
            stored: Mutex::new(stored),
            runs: Mutex::default(),
            clock,
        });
        let listening = listen(Arc::clone(&target), move || clock.now());
        let limit = Duration::from_secs(60 * minutes) - Duration::from_millis(1);
        tokio::time::timeout(limit, listening).await.expect_err("it never ends");
        (target.runs.lock().unwrap().clone(), target.stored())
    }

    fn status(last: &str, next: &str, last_updated: &str) -> Value {
        let moment = |text: &str| match text {
            "never" => "0001-01-01T00:00:00+00:00".to_owned(),
            text => format!("2026-01-01T{text}+00:00"),
        };
        json!({ "Last": moment(last), "Next": moment(next), "LastUpdated": moment(last_updated) })
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_runs_when_due_and_reports_its_status() {
        let (runs, stored) = runs("0 */15 * * * *", 10, None, 31).await;

        assert_eq!(
            json!(runs),
            json!([
                ["2026-01-01T07:45:00Z", false, status("never", "07:45:00", "never")],
                ["2026-01-01T08:00:00Z", false, status("07:45:00", "08:00:00", "07:45:00")],
            ])
        );
        assert_eq!(json!(stored), status("08:00:00", "08:15:00", "08:00:00"));
    }

    #[tokio::test(start_paused = true)]
    async fn runs_never_overlap_and_missed_occurrences_become_one_run() {
        let (runs, _) = runs("0 * * * * *", 150, None, 7).await;

        assert_eq!(
            json!(runs),
            json!([
                ["2026-01-01T07:31:00Z", false, status("never", "07:31:00", "never")],
                ["2026-01-01T07:33:30Z", false, status("07:31:00", "07:32:00", "07:31:00")],
                ["2026-01-01T07:36:00Z", false, status("07:33:30", "07:34:00", "07:33:30")],
            ])
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_missed_run_is_made_up_at_once_and_marked_past_due() {
        let missed = status("05:45:00", "06:00:00", "05:45:00");
        let stored = serde_json::from_value(missed.clone()).unwrap();

        let (runs, stored) = runs("0 */15 * * * *", 0, Some(stored), 16).await;

        assert_eq!(
            json!(runs),
            json!([
                ["2026-01-01T07:30:00Z", true, missed],
                ["2026-01-01T07:45:00Z", false, status("07:30:00", "07:45:00", "07:30:00")],
            ])
        );
        assert_eq!(json!(stored), status("07:45:00", "08:00:00", "07:45:00"));
    }

    #[tokio::test(start_paused = true)]
    async fn before_the_first_run_the_start_is_stored() {
        let (runs, stored) = runs("0 0 * * * *", 0, None, 10).await;

        assert!(runs.is_empty(), "{runs:?}");
        assert_eq!(json!(stored), status("never", "08:00:00", "07:30:00"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_runs_more_than_once_a_minute_has_no_status() {
        let (runs, stored) = runs("*/20 * * * * *", 0, None, 1).await;

        assert_eq!(
            json!(runs),
            json!([["2026-01-01T07:30:20Z", false, null], ["2026-01-01T07:30:40Z", false, null],])
        );
        assert_eq!(stored, None);
    }
}
