//! The errors of a body, up to a limit.

use std::borrow::Cow;
use std::fmt::Display;

use crate::error::FieldError;

/// The most errors listed. Nobody fixes more at once, and finding all would delay other requests.
pub(crate) const LISTED_MAX: usize = 100;

/// The longest part of a pointer for one member, in characters, since clients choose the names.
const NAME_CHARS_MAX: usize = 128;

/// The errors of a body: at most a hundred, and whether there are more.
#[derive(Debug, Default)]
pub struct Mistakes {
    listed: Vec<FieldError>,
    more: bool,
}

impl Mistakes {
    /// Adds an error of the current value.
    pub fn note(&mut self, detail: impl Into<Cow<'static, str>>) {
        if self.is_full() {
            self.more = true;
        } else {
            self.listed.push(FieldError { pointer: String::new(), detail: detail.into() });
        }
    }

    /// Adds an error of a member of the current value.
    pub(crate) fn note_at(&mut self, name: &str, detail: impl Into<Cow<'static, str>>) {
        let before = self.len();
        self.note(detail);
        self.move_below(before, name);
    }

    /// Prefixes the pointers of the errors after the first `before` with the member or item `step`.
    pub fn move_below(&mut self, before: usize, step: impl Display) {
        if before < self.listed.len() {
            let step = pointer_to(step);
            for mistake in &mut self.listed[before..] {
                mistake.pointer.insert_str(0, &step);
            }
        }
    }

    /// Whether the list is full.
    pub(crate) fn is_full(&self) -> bool {
        self.listed.len() == LISTED_MAX
    }

    /// Whether there is no error.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// The number of errors listed.
    pub fn len(&self) -> usize {
        self.listed.len()
    }

    /// Whether there are more errors than listed.
    pub(crate) fn has_more(&self) -> bool {
        self.more
    }

    /// The listed errors.
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
