//! The key of lists that are sorted by time.

use std::fmt;

use serde_json::{Value, json};

use crate::{Id, Timestamp};

/// The key of an item in a list of `T`s that is sorted by time and then by id: ids alone are no
/// clock, since those that come from an idempotency key are not.
///
/// Its text is `<milliseconds since 1970>.<id>`, which a URL can contain as it is.
pub struct TimeKey<T> {
    /// The item's time.
    pub time: Timestamp,
    /// The item.
    pub id: Id<T>,
}

impl<T> TimeKey<T> {
    /// A regular expression for the text.
    pub const PATTERN: &str = r"(0|-?[1-9][0-9]{0,14})\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

    /// Parses the text of a key, exactly as it was written.
    pub fn parse(text: &str) -> Option<Self> {
        let (unix_ms, id) = text.split_once('.')?;
        let time = Timestamp::from_unix_ms(unix_ms.parse().ok()?);
        let key = Self { time, id: Id::parse(id)? };
        (key.to_string() == text).then_some(key)
    }

    /// The `OpenAPI` schema of the text.
    pub fn schema() -> Value {
        json!({"type": "string", "pattern": format!("^{}$", Self::PATTERN)})
    }
}

impl<T> Clone for TimeKey<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for TimeKey<T> {}

impl<T> fmt::Display for TimeKey<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.time.unix_ms(), self.id)
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
            assert_eq!(TimeKey::<()>::parse(&text).unwrap().to_string(), text);
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
            assert!(TimeKey::<()>::parse(&text).is_none(), "{text}");
        }
    }
}
