//! Durations in .NET's format.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text)
        .ok_or_else(|| de::Error::custom("a duration is not of the form [D.]HH:MM:SS[.ffffff]"))
}

/// Parses .NET's constant format (`c`) for a `TimeSpan`; days and fraction are optional.
fn parse(text: &str) -> Option<Duration> {
    let [hours, minutes, seconds] = text.split(':').collect::<Vec<_>>().try_into().ok()?;
    let (days, hours) = hours.split_once('.').unwrap_or(("0", hours));
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let two = |text: &str, max| {
        let number = (text.len() == 2).then(|| digits(text))??;
        (number <= max).then_some(number)
    };
    if !(1..=7).contains(&fraction.len()) || days.len() > 8 {
        return None;
    }
    let whole = ((digits(days)? * 24 + two(hours, 23)?) * 60 + two(minutes, 59)?) * 60;
    let nanos = digits(&format!("{fraction:0<9}"))?;
    Some(Duration::from_secs(whole + two(seconds, 59)?) + Duration::from_nanos(nanos))
}

fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_format_of_dot_net() {
        for (text, micros) in [
            ("00:00:00", Some(0)),
            ("0.00:00:01.250000", Some(1_250_000)),
            ("00:01:00.5", Some(60_500_000)),
            ("1.10:17:36.789123", Some(123_456_789_123)),
            ("00:00:00.0000010", Some(1)),
            ("24:00:00", None),
            ("1:00:00", None),
            ("00:00", None),
            ("00:00:-1", None),
            ("00:00:01.", None),
            ("00:00:00.12345678", None),
            ("12.5", None),
        ] {
            assert_eq!(parse(text), micros.map(Duration::from_micros), "{text}");
        }
    }
}
