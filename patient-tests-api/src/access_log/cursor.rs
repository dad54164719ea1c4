//! Where a page of the access log begins.

use std::fmt;

use serde_json::{Value, json};

use crate::audit::{CursorMark, Position};
use crate::ids::AuditRecordId;

/// The most ends that wait for their announcement. Each is an interaction that was under way at the
/// same time, so there are few.
const WAITING_MAX: usize = 64;

/// Where a page begins: after the record at `after`, and with the announcements whose ends were on
/// earlier pages.
///
/// Its text is the position, followed by the ids, each after a dot.
#[derive(Clone, Default)]
pub(crate) struct Cursor {
    /// `None` before the first record.
    pub(super) after: Option<Position>,
    waiting: Vec<AuditRecordId>,
}

impl Cursor {
    /// Parses the text of a cursor, exactly as it was written.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let after = Position::parse(&format!("{}.{}", parts.next()?, parts.next()?))?;
        let waiting: Option<Vec<_>> = match parts.next() {
            Some(ids) => ids.split('.').map(AuditRecordId::parse).collect(),
            None => Some(Vec::new()),
        };
        let cursor = Self { after: Some(after), waiting: waiting? };
        (cursor.waiting.len() <= WAITING_MAX && cursor.to_string() == text).then_some(cursor)
    }

    /// The `OpenAPI` schema of the text with the mark of its search.
    pub(crate) fn schema() -> Value {
        let id = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
        let mark = CursorMark::PATTERN;
        let pattern = format!("^{}(\\.{id}){{0,{WAITING_MAX}}}{mark}$", Position::PATTERN);
        json!({"type": "string", "pattern": pattern})
    }

    /// Notes the end of an announced change; returns whether it is the newest of this change.
    pub(super) fn await_announcement(&mut self, id: AuditRecordId) -> bool {
        if self.waiting.contains(&id) {
            return false;
        }
        if self.waiting.len() == WAITING_MAX {
            // The one that waits longest will not come.
            self.waiting.remove(0);
        }
        self.waiting.push(id);
        true
    }

    /// Whether an announcement is one whose end came before; it is awaited no longer.
    pub(super) fn take_announcement(&mut self, id: AuditRecordId) -> bool {
        let position = self.waiting.iter().position(|waiting| *waiting == id);
        position.map(|position| self.waiting.remove(position)).is_some()
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(after) = &self.after {
            after.fmt(formatter)?;
        }
        self.waiting.iter().try_for_each(|id| write!(formatter, ".{id}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0190a6b2-1111-7abc-8def-0123456789ab";

    #[test]
    fn its_text_is_read_back() {
        for ids in [1, 2, 65] {
            let text = format!("1589469255120{}", format!(".{ID}").repeat(ids));
            assert_eq!(Cursor::parse(&text).map(|cursor| cursor.to_string()), Some(text));
        }
    }

    #[test]
    fn every_other_text_is_refused() {
        let too_long = format!("1589469255120{}", format!(".{ID}").repeat(66));
        for text in ["", ID, "1.2", &format!("1.{ID}."), &format!("1.{ID}.x"), &too_long] {
            assert!(Cursor::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_end_that_waits_longest_is_given_up() {
        let mut cursor = Cursor::default();
        let ids: Vec<_> = (0..=WAITING_MAX).map(|_| AuditRecordId::generate()).collect();
        for id in &ids {
            assert!(cursor.await_announcement(*id));
        }

        assert!(!cursor.take_announcement(ids[0]));
        assert!(ids[1..].iter().all(|id| cursor.take_announcement(*id)));
    }
}
