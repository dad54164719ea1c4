//! The stored status of a timer (`ScheduleStatus.cs`, `ScheduleMonitor.cs`).

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::dotnet;
use super::Schedule;

/// When a timer last ran and when it is due; serialised as in the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Status {
    last: Moment,
    next: Moment,
    last_updated: Moment,
}

/// A time, or none, which .NET writes as its minimum value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment(Option<OffsetDateTime>);

const NONE: &str = "0001-01-01T00:00:00+00:00";

/// The state in which a timer starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) status: Status,
    /// Whether a run was missed and must be made up at once.
    pub(super) is_past_due: bool,
    /// The status to store, if it has changed.
    pub(super) stored: Option<Status>,
}

impl Start {
    /// Compares the stored status with the schedule (`ScheduleMonitor.CheckPastDueAsync`,
    /// `TimerListener.StartAsync`).
    pub(super) fn new(stored: Option<Status>, schedule: &Schedule, now: OffsetDateTime) -> Self {
        let Some(stored) = stored else {
            let next = schedule.next_after(now);
            let status = Status::never_run(next, None);
            let stored = Some(Status::never_run(next, Some(now)));
            return Self { status, is_past_due: false, stored };
        };
        let since = stored.last.0.or(stored.last_updated.0);
        let expected = schedule.next_after(since.unwrap_or(now));
        if stored.next.0 == Some(expected) {
            return Self { status: stored, is_past_due: now > expected, stored: None };
        }
        // The schedule has changed; its past occurrences do not count.
        let (next, since) = match now > expected {
            true => (schedule.next_after(now), now),
            false => (expected, since.unwrap_or(now)),
        };
        let status = Status::never_run(next, Some(since));
        Self { status, is_past_due: false, stored: Some(status) }
    }
}

impl Status {
    fn never_run(next: OffsetDateTime, last_updated: Option<OffsetDateTime>) -> Self {
        Self { last: Moment(None), next: Moment(Some(next)), last_updated: Moment(last_updated) }
    }

    /// When the timer is due.
    pub(super) fn next(&self) -> Option<OffsetDateTime> {
        self.next.0
    }

    /// The status after a run that began at this time. If it began slightly early, the due time
    /// counts, so that it is not due again (`TimerListener.InvokeJobFunction`).
    pub(super) fn after(
        &self,
        began: OffsetDateTime,
        was_past_due: bool,
        schedule: &Schedule,
    ) -> Self {
        let began = match self.next.0 {
            Some(next) if !was_past_due => began.max(next),
            _ => began,
        };
        let began_at = Moment(Some(began));
        let next = Moment(Some(schedule.next_after(began)));
        Self { last: began_at, next, last_updated: began_at }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(moment) => serializer.serialize_str(&dotnet::iso_text(moment, "+00:00")),
            None => serializer.serialize_str(NONE),
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment = OffsetDateTime::parse(&text, &Rfc3339).map_err(serde::de::Error::custom)?;
        Ok(Self(Some(moment).filter(|moment| moment.year() > 1)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn moment(text: &str) -> OffsetDateTime {
        OffsetDateTime::parse(&format!("2026-01-01T{text}Z"), &Rfc3339).unwrap()
    }

    fn status(last: Option<&str>, next: &str, last_updated: Option<&str>) -> Status {
        Status {
            last: Moment(last.map(moment)),
            next: Moment(Some(moment(next))),
            last_updated: Moment(last_updated.map(moment)),
        }
    }

    fn hourly() -> Schedule {
        Schedule::parse("0 0 * * * *").unwrap()
    }

    #[test]
    fn a_new_timer_waits_and_stores_its_start() {
        let start = Start::new(None, &hourly(), moment("07:30:00"));

        assert_eq!(
            start,
            Start {
                status: status(None, "08:00:00", None),
                is_past_due: false,
                stored: Some(status(None, "08:00:00", Some("07:30:00"))),
            }
        );
    }

    #[test]
    fn a_timer_that_missed_a_run_is_past_due() {
        for stored in [
            status(None, "08:00:00", Some("07:30:00")),
            status(Some("07:00:01"), "08:00:00", Some("07:00:01")),
        ] {
            for (now, is_past_due) in
                [("07:59:59", false), ("08:00:00", false), ("08:00:01", true), ("12:00:00", true)]
            {
                let start = Start::new(Some(stored), &hourly(), moment(now));
                assert_eq!(start, Start { status: stored, is_past_due, stored: None }, "{now}");
            }
        }
    }

    #[test]
    fn a_changed_schedule_is_not_past_due() {
        let daily = Schedule::parse("0 30 8 * * *").unwrap();
        let stored = status(Some("07:00:00"), "08:00:00", Some("07:00:00"));

        for (now, expected) in [
            ("08:10:00", status(None, "08:30:00", Some("07:00:00"))),
            ("08:20:00", status(None, "08:30:00", Some("07:00:00"))),
        ] {
            let start = Start::new(Some(stored), &daily, moment(now));
            let stored = Some(expected);
            assert_eq!(start, Start { status: expected, is_past_due: false, stored }, "{now}");
        }
        let late = Start::new(Some(stored), &daily, moment("09:00:00"));
        assert_eq!((late.is_past_due, late.status.last.0), (false, None));
        assert_eq!(late.status.next(), Some(moment("08:30:00") + time::Duration::DAY));
    }

    #[test]
    fn an_early_run_counts_from_its_due_time() {
        let before = status(Some("07:00:00"), "08:00:00", Some("07:00:00"));

        for (began, was_past_due, last, next) in [
            ("07:59:59.9", false, "08:00:00", "09:00:00"),
            ("08:00:00.2", false, "08:00:00.2", "09:00:00"),
            ("10:20:00", true, "10:20:00", "11:00:00"),
        ] {
            let after = before.after(moment(began), was_past_due, &hourly());
            assert_eq!(after, status(Some(last), next, Some(last)), "{began}");
        }
    }

    #[test]
    fn a_status_round_trips_in_the_format_of_dot_net() {
        let written = json!({
            "Last": "0001-01-01T00:00:00+00:00",
            "Next": "2026-01-01T08:00:00+00:00",
            "LastUpdated": "2026-01-01T07:30:00.25+00:00",
        });
        let status = status(None, "08:00:00", Some("07:30:00.25"));

        assert_eq!(serde_json::to_value(status).unwrap(), written);
        assert_eq!(serde_json::from_value::<Status>(written).unwrap(), status);
    }
}
