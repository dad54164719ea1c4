//! What is wrong with a body, as far as it is worth telling.

use std::borrow::Cow;
use std::fmt::Display;

use crate::error::FieldError;

/// The most mistakes that are listed. Nobody mends more at once, and to find them all costs others
/// their turn.
pub(crate) const LISTED_MAX: usize = 100;

/// The longest part of a pointer that names one member, in characters: names are the caller's own.
const NAME_CHARS_MAX: usize = 128;

/// The mistakes of a body: at most a hundred, and whether there are more.
#[derive(Debug, Default)]
pub struct Mistakes {
    listed: Vec<FieldError>,
    more: bool,
}

impl Mistakes {
    /// Notes a mistake of the value at hand.
    pub fn note(&mut self, detail: impl Into<Cow<'static, str>>) {
        if self.is_full() {
            self.more = true;
        } else {
            self.listed.push(FieldError { pointer: String::new(), detail: detail.into() });
        }
    }

    /// Notes a mistake of a member of the value at hand.
    pub(crate) fn note_at(&mut self, name: &str, detail: impl Into<Cow<'static, str>>) {
        let before = self.len();
        self.note(detail);
        self.move_below(before, name);
    }

    /// Says of the mistakes since the first `before` that they lie in the member or item `step`.
    pub fn move_below(&mut self, before: usize, step: impl Display) {
        if before < self.listed.len() {
            let step = pointer_to(step);
            for mistake in &mut self.listed[before..] {
                mistake.pointer.insert_str(0, &step);
            }
        }
    }

    /// Whether another mistake would not be listed any more.
    pub(crate) fn is_full(&self) -> bool {
        self.listed.len() == LISTED_MAX
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// How many are listed.
    pub fn len(&self) -> usize {
        self.listed.len()
    }

    /// Whether there are more than are listed.
    pub(crate) fn has_more(&self) -> bool {
        self.more
    }

    /// What is listed.
    pub fn into_listed(self) -> Vec<FieldError> {
        self.listed
    }
}

/// One step of a JSON pointer (RFC 6901, section 3).
fn pointer_to(step: impl Display) -> String {
    let mut pointer = String::from("/");
    let step = step.to_string();
    for character in step.chars().take(NAME_CHARS_MAX) {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            _ => pointer.push(character),
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_are_listed_and_it_shows_that_there_are_more() {
        let mut mistakes = Mistakes::default();
        for number in 0..100 {
            mistakes.note_at(&format!("f{number}"), "is not a known field");
        }
        assert!(!mistakes.has_more());

        mistakes.note("is required");

        assert!(mistakes.has_more());
        let listed = mistakes.into_listed();
        assert_eq!(listed.len(), 100);
        assert_eq!(listed[99].pointer, "/f99");
    }

    #[test]
    fn a_step_is_escaped_and_cut() {
        assert_eq!(pointer_to("a/b~c"), "/a~1b~0c");
        assert_eq!(pointer_to("é".repeat(900)), format!("/{}", "é".repeat(128)));
    }
}
