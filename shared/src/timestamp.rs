//! Timestamps, to the millisecond.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A timestamp; on the wire RFC 3339 with milliseconds and `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    unix_ms: i64,
}

impl Timestamp {
    /// The current time.
    pub fn now() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { unix_ms: i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX) }
    }

    /// The time `unix_ms` milliseconds after the Unix epoch.
    pub const fn from_unix_ms(unix_ms: i64) -> Self {
        Self { unix_ms }
    }

    /// The first timestamp that is not before this moment.
    pub fn not_before(moment: OffsetDateTime) -> Self {
        let unix_ms = -(-moment.unix_timestamp_nanos()).div_euclid(1_000_000);
        Self { unix_ms: i64::try_from(unix_ms).unwrap_or(i64::MAX) }
    }

    /// Milliseconds since the Unix epoch.
    pub const fn unix_ms(self) -> i64 {
        self.unix_ms
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Stored dates can lie outside the years 1 to 9999, which RFC 3339 cannot express.
        let moment =
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.unix_ms) * 1_000_000)
                .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (date, time) = (moment.date(), moment.time());
        write!(
            formatter,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            date.year(),
            u8::from(date.month()),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.millisecond()
        )
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment = OffsetDateTime::parse(&text, &Rfc3339);
        // The message omits the text, which can be anything.
        moment.map(Self::not_before).map_err(|_| de::Error::custom("not a time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_has_milliseconds_and_z() {
        let json = |unix_ms| serde_json::to_string(&Timestamp::from_unix_ms(unix_ms)).unwrap();

        assert_eq!(json(0), "\"1970-01-01T00:00:00.000Z\"");
        assert_eq!(json(1_589_469_255_120), "\"2020-05-14T15:14:15.120Z\"");
        assert_eq!(json(-1), "\"1969-12-31T23:59:59.999Z\"");
    }

    #[test]
    fn the_wire_form_is_read_back() {
        for unix_ms in [0, 1_589_469_255_120, -1, 253_402_300_799_999] {
            let timestamp = Timestamp::from_unix_ms(unix_ms);
            let json = serde_json::to_string(&timestamp).unwrap();
            assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), timestamp);
        }
        for text in ["\"\"", "\"2020-05-14\"", "1589469255120"] {
            assert!(serde_json::from_str::<Timestamp>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_between_two_timestamps_becomes_the_later_one() {
        for (nanoseconds, unix_ms) in
            [(0, 0), (1, 1), (1_000_000, 1), (1_000_001, 2), (-1, 0), (-1_000_000, -1)]
        {
            let moment = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap();
            assert_eq!(Timestamp::not_before(moment).unix_ms(), unix_ms, "{nanoseconds}");
        }
    }
}
