//! Schedules: NCRONTAB with seconds, in UTC (`CrontabSchedule.cs`, `CronSchedule.cs`).
//!
//! No crontab crate has these semantics: a day must match both the day of the month *and* the day
//! of the week, where 0 is Sunday.

use time::{Date, Duration, OffsetDateTime, Time};

/// The range of each field.
const BOUNDS: [(u8, u8); 6] = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];

/// How many days to search: 29 February recurs within eight years, on a given day of the week
/// within forty.
const DAYS_MAX: usize = 40 * 366;

/// A schedule: the allowed values of each field, as bit sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Schedule {
    seconds: u64,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
}

impl Schedule {
    /// Parses six fields: second, minute, hour, day of the month, month, day of the week; each a
    /// list of `*`, `1` or `1-5`, optionally with a step as in `*/15`. Names of months and days are
    /// not supported. `None` also if the schedule never occurs.
    pub(in super::super) fn parse(text: &str) -> Option<Self> {
        let fields: Vec<_> = text.split(' ').filter(|field| !field.is_empty()).collect();
        let fields: &[&str; 6] = fields.as_slice().try_into().ok()?;
        let mut sets = [0; 6];
        for ((set, field), bounds) in sets.iter_mut().zip(fields).zip(BOUNDS) {
            *set = parse_field(field, bounds)?;
        }
        let [seconds, minutes, hours, days, months, weekdays] = sets;
        let schedule = Self { seconds, minutes, hours, days, months, weekdays };
        schedule.occurrence_after(OffsetDateTime::UNIX_EPOCH).is_some().then_some(schedule)
    }

    /// The next occurrence after this time.
    pub(super) fn next_after(&self, moment: OffsetDateTime) -> OffsetDateTime {
        // The fallback is unreachable: `parse` has found an occurrence.
        self.occurrence_after(moment).unwrap_or(moment + Duration::days(366))
    }

    fn occurrence_after(&self, moment: OffsetDateTime) -> Option<OffsetDateTime> {
        let start = moment.replace_nanosecond(0).ok()? + Duration::SECOND;
        let mut date = start.date();
        let mut earliest = start.time();
        for _ in 0..DAYS_MAX {
            let time = if self.has_day(date) { self.time_from(earliest) } else { None };
            if let Some(time) = time {
                return Some(date.with_time(time).assume_utc());
            }
            date = date.next_day()?;
            earliest = Time::MIDNIGHT;
        }
        None
    }

    fn has_day(&self, date: Date) -> bool {
        has(self.days, date.day())
            && has(self.months, date.month().into())
            && has(self.weekdays, date.weekday().number_days_from_sunday())
    }

    /// The first allowed time of a day that is not before `earliest`.
    fn time_from(&self, earliest: Time) -> Option<Time> {
        let (first_hour, first_minute, first_second) = earliest.as_hms();
        for hour in values(self.hours, first_hour) {
            let from = if hour == first_hour { first_minute } else { 0 };
            for minute in values(self.minutes, from) {
                let is_first = (hour, minute) == (first_hour, first_minute);
                let from = if is_first { first_second } else { 0 };
                if let Some(second) = values(self.seconds, from).next() {
                    return Time::from_hms(hour, minute, second).ok();
                }
            }
        }
        None
    }
}

fn parse_field(field: &str, bounds: (u8, u8)) -> Option<u64> {
    field.split(',').try_fold(0, |set, item| Some(set | parse_item(item, bounds)?))
}

fn parse_item(item: &str, (least, greatest): (u8, u8)) -> Option<u64> {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(number(step).filter(|step| *step > 0)?)),
        None => (item, None),
    };
    let (from, to) = match range.split_once('-') {
        Some((from, to)) => (number(from)?, number(to)?),
        None if range == "*" => (least, greatest),
        // With a step, a single value means a range up to the maximum.
        None => (number(range)?, if step.is_some() { greatest } else { number(range)? }),
    };
    let is_within = least <= from && from <= to && to <= greatest;
    let values = (from..=to).step_by(step.unwrap_or(1).into());
    is_within.then(|| values.fold(0, |set, value| set | 1 << value))
}

fn number(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn has(set: u64, value: u8) -> bool {
    set >> value & 1 == 1
}

/// The values of a set from `least` on.
fn values(set: u64, least: u8) -> impl Iterator<Item = u8> {
    (least..60).filter(move |value| has(set, *value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::format_description::well_known::Rfc3339;

    use super::*;

    fn moment(text: &str) -> OffsetDateTime {
        OffsetDateTime::parse(text, &Rfc3339).unwrap()
    }

    #[test]
    fn the_next_occurrence_is_the_first_time_that_all_fields_allow() {
        for (schedule, after, next) in [
            ("0 */15 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:15:00Z"),
            ("0 */15 * * * *", "2026-01-01T23:45:00.5Z", "2026-01-02T00:00:00Z"),
            ("0 * * * * *", "2026-01-01T00:00:59.999Z", "2026-01-01T00:01:00Z"),
            ("*/20 * * * * *", "2026-01-01T00:00:20Z", "2026-01-01T00:00:40Z"),
            ("30 5 * * * *", "2026-01-01T00:05:30Z", "2026-01-01T01:05:30Z"),
            ("0 0 3 * * *", "2026-01-01T04:00:00Z", "2026-01-02T03:00:00Z"),
            ("0 0 0 1 1 *", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("0 0 0 31 * *", "2026-02-01T00:00:00Z", "2026-03-31T00:00:00Z"),
            ("0 0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 30 9 * * 1-5", "2026-11-27T10:00:00Z", "2026-11-30T09:30:00Z"),
            ("0 0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-02-13T00:00:00Z"),
            ("0 10/20 8-9,12 * * *", "2026-01-01T08:10:00Z", "2026-01-01T08:30:00Z"),
            ("0 10/20 8-9,12 * * *", "2026-01-01T09:50:00Z", "2026-01-01T12:10:00Z"),
        ] {
            let read = Schedule::parse(schedule).unwrap();
            assert_eq!(read.next_after(moment(after)), moment(next), "{schedule} after {after}");
        }
    }

    #[test]
    fn invalid_schedules_are_refused() {
        for text in [
            "",
            "* * * * *",
            "* * * * * * *",
            "60 * * * * *",
            "* * 24 * * *",
            "* * * 0 * *",
            "* * * * 13 *",
            "* * * * * 7",
            "5-1 * * * * *",
            "*/0 * * * * *",
            "/5 * * * * *",
            "+1 * * * * *",
            "1, * * * * *",
            "* * * * Jan *",
            "00:15:00",
            "0 0 0 30 2 *",
            "300 * * * * *",
        ] {
            assert_eq!(Schedule::parse(text), None, "{text}");
        }
    }

    /// A field with one item, and the values that it allows.
    fn item(least: u8, greatest: u8) -> impl Strategy<Value = (String, Vec<u8>)> {
        (least..=greatest, least..=greatest, 1..=greatest, any::<[bool; 2]>()).prop_map(
            move |(a, b, step, [is_star, has_step])| {
                let (from, to) = (a.min(b), a.max(b));
                let (range, from, to) = match is_star {
                    true => ("*".to_owned(), least, greatest),
                    false => (format!("{from}-{to}"), from, to),
                };
                let step = if has_step { step } else { 1 };
                let text = if has_step { format!("{range}/{step}") } else { range };
                (text, (from..=to).step_by(step.into()).collect())
            },
        )
    }

    proptest! {
        /// Checks every candidate between, which the faster search might have skipped.
        #[test]
        fn no_earlier_second_matches(
            second in item(0, 59),
            minute in item(0, 59),
            hour in item(0, 23),
            weekday in item(0, 6),
            since in 0_i64..4_000_000_000,
        ) {
            let text = format!("{} {} {} * * {}", second.0, minute.0, hour.0, weekday.0);
            let schedule = Schedule::parse(&text).expect("it is one");
            let since = OffsetDateTime::from_unix_timestamp(since).expect("it is near");

            let next = schedule.next_after(since);

            // To the next second, minute or hour: nothing in between can fit.
            let step = |moment: OffsetDateTime| {
                let day = moment.weekday().number_days_from_sunday();
                if !weekday.1.contains(&day) || !hour.1.contains(&moment.hour()) {
                    3600 - i64::from(moment.minute()) * 60 - i64::from(moment.second())
                } else if !minute.1.contains(&moment.minute()) {
                    60 - i64::from(moment.second())
                } else {
                    i64::from(!second.1.contains(&moment.second()))
                }
            };
            let mut earliest = since + Duration::SECOND;
            while step(earliest) > 0 {
                earliest += Duration::seconds(step(earliest));
            }
            prop_assert_eq!(next, earliest, "{} after {}", text, since);
        }
    }
}
