//! The position of a record in the register.

use std::fmt;

use serde_json::{Value, json};
use shared::{Id, Timestamp};

use super::AuditRecord;

/// The position of a record in the register, which is sorted by date and then by id: ids alone are
/// no clock, since those that come from an idempotency key are not.
///
/// Its text is `<milliseconds since 1970>.<id>`, which a URL can contain as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(super) created_date: Timestamp,
    pub(super) id: Id<AuditRecord>,
}

impl Position {
    /// Parses the text of a position, exactly as it was written.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (unix_ms, id) = text.split_once('.')?;
        let created_date = Timestamp::from_unix_ms(unix_ms.parse().ok()?);
        let position = Self { created_date, id: Id::parse(id)? };
        (position.to_string() == text).then_some(position)
    }

    /// The `OpenAPI` schema of the text.
    pub(crate) fn schema() -> Value {
        let pattern = r"^(0|-?[1-9][0-9]{0,14})\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";
        json!({"type": "string", "pattern": pattern})
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.created_date.unix_ms(), self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0190a6b2-1111-7abc-8def-0123456789ab";

    #[test]
    fn its_text_is_read_back() {
        for unix_ms in ["0", "-1", "1589469255120", "253402300799999"] {
            let text = format!("{unix_ms}.{ID}");
            assert_eq!(Position::parse(&text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn every_other_text_is_refused() {
        let malformed = [
            String::new(),
            ".".to_owned(),
            ID.to_owned(),
            "1589469255120".to_owned(),
            format!(".{ID}"),
            "1.".to_owned(),
            format!("1.{ID}.2"),
            format!("+1.{ID}"),
            format!("01.{ID}"),
            format!("-0.{ID}"),
            format!(" 1.{ID}"),
            format!("1.5.{ID}"),
            format!("9223372036854775808.{ID}"),
            format!("1.{}", ID.to_uppercase()),
            format!("1.{}", ID.replace('-', "")),
        ];

        for text in malformed {
            assert_eq!(Position::parse(&text), None, "{text}");
        }
    }
}
