//! How .NET writes what looks like a date: in the invariant culture, in UTC.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// `01/01/2020 00:00:00` for a text that is wholly an ISO date-time with seconds; Json.NET takes
/// such texts for dates. Texts of other shapes stay as they are.
pub(super) fn date_text(text: &str) -> Option<String> {
    let moment = moment(text)?;
    let (date, time) = (moment.date(), moment.time());
    Some(format!(
        "{:02}/{:02}/{:04} {:02}:{:02}:{:02}",
        u8::from(date.month()),
        date.day(),
        date.year(),
        time.hour(),
        time.minute(),
        time.second()
    ))
}

/// The same date as Json.NET writes it back into JSON: the fraction without zeros at its end,
/// `Z` kept, another offset turned into UTC's.
pub(super) fn rewritten_date(text: &str) -> Option<String> {
    let moment = moment(text)?;
    let (date, time) = (moment.date(), moment.time());
    let fraction = format!(".{:07}", time.nanosecond() / 100);
    let zone = match text.as_bytes().last() {
        Some(b'Z') => "Z",
        _ if has_offset(text) => "+00:00",
        _ => "",
    };
    Some(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{zone}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
        fraction.trim_end_matches('0').trim_end_matches('.')
    ))
}

fn moment(text: &str) -> Option<OffsetDateTime> {
    let fits = (19..=40).contains(&text.len()) && text.as_bytes().get(10) == Some(&b'T');
    let fraction = text
        .get(19..)?
        .strip_prefix('.')
        .map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    if !fits || fraction > 7 {
        return None;
    }
    let zoned = if text.ends_with('Z') || has_offset(text) {
        OffsetDateTime::parse(text, &Rfc3339)
    } else {
        OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339)
    };
    zoned.ok()?.checked_to_offset(UtcOffset::UTC)
}

fn has_offset(text: &str) -> bool {
    text.get(19..).is_some_and(|rest| rest.contains(['+', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_net_does_it() {
        assert_eq!(date_text("2020-01-01T00:00:00").as_deref(), Some("01/01/2020 00:00:00"));
        assert_eq!(date_text("2020-01-01T01:00:00+02:00").as_deref(), Some("12/31/2019 23:00:00"));
        for text in ["2020-01-01", "hello", "2020-01-01T00:00Z", "2020-01-01T00:00:00.12345678Z"] {
            assert_eq!(date_text(text), None, "{text}");
        }
    }

    #[test]
    fn dates_in_json_are_rewritten() {
        for (text, rewritten) in [
            ("2020-01-01T00:00:00.000Z", "2020-01-01T00:00:00Z"),
            ("2015-02-07T13:28:17.239+02:00", "2015-02-07T11:28:17.239+00:00"),
            ("2020-01-01T00:00:00.5", "2020-01-01T00:00:00.5"),
        ] {
            assert_eq!(rewritten_date(text).as_deref(), Some(rewritten));
        }
    }
}
