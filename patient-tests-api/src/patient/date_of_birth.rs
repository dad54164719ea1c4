//! Dates of birth, and the days that they and search criteria cover.

use serde::{Deserialize, Serialize, Serializer};
use shared::validation::moment;
use time::{Date, Duration, Month, OffsetDateTime, Time};

/// A date of birth: a year, a month or a day; the text is kept as sent.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(from = "String")]
pub(crate) struct DateOfBirth {
    text: String,
    /// `None` for impossible dates that the scaffold accepted.
    days: Option<Days>,
}

/// The calendar days from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Days {
    first: Date,
    last: Date,
}

impl DateOfBirth {
    /// Parses `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, year 1 or later and not in the future.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let days = Days::of_date(text)?;
        (days.first <= latest_today()).then(|| Self { text: text.to_owned(), days: Some(days) })
    }

    /// The days that it covers.
    pub(super) fn days(&self) -> Option<Days> {
        self.days
    }
}

impl From<String> for DateOfBirth {
    fn from(text: String) -> Self {
        Self { days: Days::of_date(&text), text }
    }
}

impl Serialize for DateOfBirth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl Days {
    /// The days that `YYYY`, `YYYY-MM` or `YYYY-MM-DD` covers, year 1 or later.
    pub(super) fn of_date(text: &str) -> Option<Self> {
        let year = i32::from(digits::<4>(text.get(..4)?)?);
        if year == 0 {
            return None;
        }
        let Some(rest) = text.get(4..).filter(|rest| !rest.is_empty()) else {
            return Self::between(year, (Month::January, 1), (Month::December, 31));
        };
        let month = rest.strip_prefix('-')?;
        let month_number =
            Month::try_from(u8::try_from(digits::<2>(month.get(..2)?)?).ok()?).ok()?;
        let Some(rest) = month.get(2..).filter(|rest| !rest.is_empty()) else {
            let last = month_number.length(year);
            return Self::between(year, (month_number, 1), (month_number, last));
        };
        let day = u8::try_from(digits::<2>(rest.strip_prefix('-')?)?).ok()?;
        Self::between(year, (month_number, day), (month_number, day))
    }

    /// Like [`Self::of_date`], but also accepts an RFC 3339 date-time and takes its day as
    /// written: a birthday has no time zone.
    pub(super) fn of_criterion(text: &str) -> Option<Self> {
        Self::of_date(text).or_else(|| {
            let day = moment(text)?.date();
            Some(Self { first: day, last: day })
        })
    }

    /// Whether it is a single day.
    pub(super) fn is_one(self) -> bool {
        self.first == self.last
    }

    /// Whether all of them are before `other`.
    pub(super) fn ends_before(self, others: Self) -> bool {
        self.last < others.first
    }

    /// The first millisecond, UTC, since the Unix epoch.
    pub(super) fn first_ms(self) -> i64 {
        midnight_ms(self.first)
    }

    /// The first millisecond of the last day.
    pub(super) fn last_ms(self) -> i64 {
        midnight_ms(self.last)
    }

    /// The first millisecond of the year, and of the month, of the first day.
    pub(super) fn begun_ms(self) -> [i64; 2] {
        let (year, month) = (self.first.year(), self.first.month());
        [Month::January, month].map(|month| {
            let first = Date::from_calendar_date(year, month, 1);
            midnight_ms(first.unwrap_or(self.first))
        })
    }

    /// The first millisecond after the last day.
    pub(super) fn end_ms(self) -> i64 {
        midnight_ms(self.last) + Duration::DAY.whole_seconds() * 1000
    }

    fn between(year: i32, first: (Month, u8), last: (Month, u8)) -> Option<Self> {
        let date = |(month, day)| Date::from_calendar_date(year, month, day).ok();
        Some(Self { first: date(first)?, last: date(last)? })
    }
}

/// Whether a text is a full date, `YYYY-MM-DD`, year 1 or later.
pub(crate) fn is_calendar_day(text: &str) -> bool {
    text.len() == "YYYY-MM-DD".len() && Days::of_date(text).is_some_and(Days::is_one)
}

/// Exactly `N` decimal digits.
fn digits<const N: usize>(text: &str) -> Option<u16> {
    let all_digits = text.len() == N && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| text.parse().ok())?
}

fn midnight_ms(day: Date) -> i64 {
    day.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp() * 1000
}

/// Today's date in UTC+14, where the day starts first: a child born this morning in Sydney is not
/// born in the future, though it is still yesterday in UTC.
fn latest_today() -> Date {
    (OffsetDateTime::now_utc() + Duration::hours(14)).date()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2000-02-01T00:00:00Z, from `date -u -d 2000-02-01 +%s`.
    const FEBRUARY_2000_MS: i64 = 949_363_200_000;
    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn years_months_and_days_are_dates_of_birth() {
        for text in ["0001", "1980", "1980-12", "2000-02-29", "1980-01-31", "0001-01-01"] {
            assert!(DateOfBirth::parse(text).is_some(), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not() {
        for text in [
            "",
            "0000",
            "80",
            "198",
            "19800",
            "1980-",
            "1980-1",
            "1980-13",
            "1980-00",
            "1980-01-",
            "1980-01-1",
            "1980-01-32",
            "1981-02-29",
            "1980/01/01",
            "+198",
            "１９８０",
            "1980-01-01T00:00:00Z",
            "9999",
            " 1980",
            "1980-01-01 ",
        ] {
            assert!(DateOfBirth::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn nobody_is_born_after_today() {
        let day = |days: i64| (OffsetDateTime::now_utc() + Duration::days(days)).date();

        assert!(DateOfBirth::parse(&day(0).to_string()).is_some());
        assert!(DateOfBirth::parse(&day(2).to_string()).is_none());
    }

    #[test]
    fn a_month_stands_for_all_its_days() {
        let days = Days::of_date("2000-02").unwrap();

        assert_eq!(days.first_ms(), FEBRUARY_2000_MS);
        assert_eq!(days.end_ms(), FEBRUARY_2000_MS + 29 * DAY_MS);
    }

    #[test]
    fn a_moment_stands_for_its_day_as_it_is_written() {
        for moment in ["2000-01-31T20:00:00.5-05:00", "2000-01-31T00:00:00+14:00"] {
            let days = Days::of_criterion(moment).unwrap();

            assert_eq!(days, Days::of_date("2000-01-31").unwrap());
            assert_eq!(days.end_ms() - days.first_ms(), DAY_MS);
            assert_eq!(days.last_ms(), days.first_ms());
        }
        assert_eq!(Days::of_criterion("2000-02-30T00:00:00Z"), None);
        assert_eq!(Days::of_criterion(&format!("2000-01-31T00:00:00.{}Z", "0".repeat(300))), None);
    }

    #[test]
    fn a_range_can_begin_within_a_year_and_a_month() {
        let days = Days::of_date("2000-02-15").unwrap();

        assert_eq!(days.begun_ms(), [FEBRUARY_2000_MS - 31 * DAY_MS, FEBRUARY_2000_MS]);
    }

    #[test]
    fn a_day_is_written_in_full() {
        assert!(is_calendar_day("2000-02-29"));
        for text in ["2000", "2000-02", "2001-02-29", "0000-01-01", "2000-02-29T00:00:00Z", ""] {
            assert!(!is_calendar_day(text), "{text}");
        }
    }

    #[test]
    fn a_date_that_no_calendar_has_is_still_read_from_storage() {
        let date = DateOfBirth::from("1980-02-31".to_owned());

        assert_eq!(date.days(), None);
        assert_eq!(serde_json::to_string(&date).unwrap(), "\"1980-02-31\"");
    }

    proptest! {
        #[test]
        fn any_text_is_a_date_or_not(text in ".*") {
            let _ = (DateOfBirth::parse(&text), Days::of_criterion(&text));
        }

        #[test]
        fn every_calendar_day_is_understood(ordinal in 1u16..=365, year in 1i32..=2025) {
            let day = Date::from_ordinal_date(year, ordinal).unwrap();

            prop_assert_eq!(Days::of_date(&day.to_string()), Some(Days { first: day, last: day }));
        }
    }
}
