//! .NET's formats of dates and floating-point numbers: invariant culture, UTC.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// Formats an ISO date-time with seconds, or `/Date(0)/`, as `01/01/2020 00:00:00`, since Json.NET
/// reads such strings as dates. `None` for other strings.
pub(super) fn date_text(text: &str) -> Option<String> {
    let (moment, _) = moment(text)?;
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

/// Formats such a date as Json.NET writes it to JSON: the fraction without trailing zeros, `Z`
/// kept, another offset converted to UTC.
pub(super) fn rewritten_date(text: &str) -> Option<String> {
    let (moment, zone) = moment(text)?;
    Some(iso_text(moment, zone))
}

/// Formats a time as Json.NET does.
pub(super) fn iso_text(moment: OffsetDateTime, zone: &str) -> String {
    let (date, time) = (moment.date(), moment.time());
    let fraction = format!(".{:07}", time.nanosecond() / 100);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{zone}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
        fraction.trim_end_matches('0').trim_end_matches('.')
    )
}

/// Formats a floating-point number: shortest digits, with an exponent where .NET uses one.
pub(super) fn double_text(fraction: f64) -> String {
    let scientific = format!("{fraction:E}");
    let (digits, exponent) = scientific.split_once('E').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if exponent <= -5 => format!("{digits}E-{:02}", -exponent),
        Ok(exponent) if exponent >= 15 => format!("{digits}E+{exponent:02}"),
        Ok(_) | Err(_) => fraction.to_string(),
    }
}

/// Formats a floating-point number for JSON, always with a point or an exponent.
pub(super) fn json_double(fraction: f64) -> String {
    let text = double_text(fraction);
    if text.contains(['.', 'E']) { text } else { format!("{text}.0") }
}

/// Parses a time; also returns how to write its zone.
fn moment(text: &str) -> Option<(OffsetDateTime, &'static str)> {
    if let Some(old) = text.strip_prefix("/Date(") {
        return old_moment(old.strip_suffix(")/")?);
    }
    if !(19..=40).contains(&text.len()) || text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let fraction = text
        .get(19..)?
        .strip_prefix('.')
        .map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    if fraction > 7 {
        return None;
    }
    let (zoned, zone) = if text.ends_with('Z') {
        (OffsetDateTime::parse(text, &Rfc3339), "Z")
    } else if text.get(19..)?.contains(['+', '-']) {
        (OffsetDateTime::parse(text, &Rfc3339), "+00:00")
    } else {
        (OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339), "")
    };
    Some((zoned.ok()?.checked_to_offset(UtcOffset::UTC)?, zone))
}

/// Parses milliseconds since 1970; a following offset only marks the time as local.
fn old_moment(text: &str) -> Option<(OffsetDateTime, &'static str)> {
    let (milliseconds, zone) = match text.rfind(['+', '-']) {
        None | Some(0) => (text, "Z"),
        Some(offset) => (&text[..offset], "+00:00"),
    };
    let nanoseconds = i128::from(milliseconds.parse::<i64>().ok()?) * 1_000_000;
    Some((OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()?, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_the_format_of_dot_net() {
        assert_eq!(date_text("2020-01-01T00:00:00").as_deref(), Some("01/01/2020 00:00:00"));
        assert_eq!(date_text("2020-01-01T01:00:00+02:00").as_deref(), Some("12/31/2019 23:00:00"));
        assert_eq!(date_text("/Date(-1000)/").as_deref(), Some("12/31/1969 23:59:59"));
        for text in [
            "2020-01-01",
            "/Date(x)/",
            "/Date(0)",
            "hello",
            "2020-01-01T00:00Z",
            "2020-01-01T00:00:00.12345678Z",
        ] {
            assert_eq!(date_text(text), None, "{text}");
        }
    }

    #[test]
    fn floating_point_numbers_have_the_format_of_dot_net() {
        for (fraction, text, json) in [
            (1.5, "1.5", "1.5"),
            (1e3, "1000", "1000.0"),
            (-0.25, "-0.25", "-0.25"),
            (1e15, "1E+15", "1E+15"),
            (1.5e-5, "1.5E-05", "1.5E-05"),
        ] {
            assert_eq!((double_text(fraction), json_double(fraction)), (text.into(), json.into()));
        }
    }

    #[test]
    fn dates_in_json_have_the_format_of_json_net() {
        for (text, rewritten) in [
            ("2020-01-01T00:00:00.000Z", "2020-01-01T00:00:00Z"),
            ("2015-02-07T13:28:17.239+02:00", "2015-02-07T11:28:17.239+00:00"),
            ("2020-01-01T00:00:00.5", "2020-01-01T00:00:00.5"),
            ("/Date(500)/", "1970-01-01T00:00:00.5Z"),
            ("/Date(0+0200)/", "1970-01-01T00:00:00+00:00"),
        ] {
            assert_eq!(rewritten_date(text).as_deref(), Some(rewritten));
        }
    }
}
