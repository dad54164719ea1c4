//! Versions of stored documents, and preconditions.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The version of a stored document; the first is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(i64);

impl Version {
    /// The version of a new document, and of one stored without a version.
    pub const FIRST: Self = Self(1);

    /// The next version.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The version before this one; `None` before the first.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        self.minus(1)
    }

    /// The version `count` before this one; `None` before the first.
    #[must_use]
    pub fn minus(self, count: usize) -> Option<Self> {
        self.0.checked_sub_unsigned(count as u64).and_then(Self::from_number)
    }

    /// Parses a number as this API writes it: decimal digits, from 1, without leading zeros.
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_opaque_tag(text).and_then(|Self(number)| Self::from_number(number))
    }

    /// The version with this number, which must be at least 1.
    pub fn from_number(number: i64) -> Option<Self> {
        (number >= 1).then_some(Self(number))
    }

    /// The number, as stored.
    pub fn number(self) -> i64 {
        self.0
    }

    /// The strong entity tag of this version (RFC 9110, section 8.8.3), quotes included.
    pub fn entity_tag(self) -> String {
        format!("\"{}\"", self.0)
    }

    fn from_opaque_tag(opaque: &str) -> Option<Self> {
        // Only the form that this API returns: "01" or "+1" is another tag.
        let version = opaque.parse().ok().map(Self)?;
        (version.entity_tag()[1..].trim_end_matches('"') == opaque).then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::FIRST
    }
}

/// `If-Match` and `If-None-Match` of a request (RFC 9110, sections 13.1.1 and 13.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    if_match: Option<EntityTags>,
    if_none_match: Option<EntityTags>,
}

/// A regular expression for the headers that [`Preconditions::parse`] accepts.
pub(crate) const ENTITY_TAGS_PATTERN: &str = concat!(
    r#"^[ \t]*\*[ \t]*$"#,
    r#"|^[ \t,]*(W/)?"[!#-~]*"([ \t]*,[ \t,]*(W/)?"[!#-~]*")*[ \t,]*$"#
);

/// The tags of a precondition, without those that this API never returns: they match nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum EntityTags {
    Any,
    OneOf(Vec<Version>),
}

impl Preconditions {
    /// Parses both headers, each with its lines joined by commas.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] for a header that is not a list of entity tags.
    pub fn parse(if_match: Option<&str>, if_none_match: Option<&str>) -> Result<Self> {
        Ok(Self {
            if_match: if_match
                .map(|text| {
                    EntityTags::parse(text, Comparison::Strong).ok_or(Error::InvalidRequest(
                        "The header If-Match is not a list of entity tags.",
                    ))
                })
                .transpose()?,
            if_none_match: if_none_match
                .map(|text| {
                    EntityTags::parse(text, Comparison::Weak).ok_or(Error::InvalidRequest(
                        "The header If-None-Match is not a list of entity tags.",
                    ))
                })
                .transpose()?,
        })
    }

    /// Checks a write to a document of version `current` against both headers (RFC 9110, section
    /// 13.2.2).
    ///
    /// # Errors
    /// [`Error::VersionMismatch`] with the current version.
    pub fn check_write(&self, current: Version) -> Result<()> {
        match self.check_read(current)? {
            ClientCopy::Outdated => Ok(()),
            ClientCopy::Current => Err(Error::VersionMismatch { current: Some(current) }),
        }
    }

    /// Checks a read of a document of version `current` against `If-Match`; returns whether the
    /// client has that version.
    ///
    /// # Errors
    /// [`Error::VersionMismatch`] with the current version.
    pub fn check_read(&self, current: Version) -> Result<ClientCopy> {
        match (&self.if_match, &self.if_none_match) {
            (Some(tags), _) if !tags.contain(current) => {
                Err(Error::VersionMismatch { current: Some(current) })
            }
            (_, Some(tags)) if tags.contain(current) => Ok(ClientCopy::Current),
            _ => Ok(ClientCopy::Outdated),
        }
    }

    /// Checks a request on a resource without a version, for example a list or a record to be
    /// created.
    ///
    /// # Errors
    /// [`Error::VersionMismatch`] if the request requires a version.
    pub fn check_unversioned(&self) -> Result<()> {
        match self.if_match {
            Some(_) => Err(Error::VersionMismatch { current: None }),
            None => Ok(()),
        }
    }
}

/// The client's copy of the record that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCopy {
    /// Another version, or no copy.
    Outdated,
    /// The current version, so the response is 304.
    Current,
}

#[derive(Clone, Copy, PartialEq)]
enum Comparison {
    /// Weak tags never match.
    Strong,
    /// Weak tags match like strong ones.
    Weak,
}

impl EntityTags {
    fn parse(text: &str, comparison: Comparison) -> Option<Self> {
        if text.trim() == "*" {
            return Some(Self::Any);
        }
        let mut versions = Vec::new();
        let mut rest = text.trim_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let weak = rest.strip_prefix("W/");
            let (opaque, after) = weak.unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
            if !opaque.bytes().all(|byte| byte == 0x21 || (0x23..=0x7e).contains(&byte)) {
                return None;
            }
            if weak.is_none() || comparison == Comparison::Weak {
                versions.extend(Version::from_opaque_tag(opaque));
            }
            let after = after.trim_start_matches([' ', '\t']);
            if !after.is_empty() && !after.starts_with(',') {
                return None;
            }
            rest = after.trim_start_matches([' ', '\t', ',']);
        }
        Some(Self::OneOf(versions))
    }

    fn contain(&self, version: Version) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn if_match(text: &str) -> Result<Preconditions> {
        Preconditions::parse(Some(text), None)
    }

    #[test]
    fn a_listed_version_satisfies_if_match() {
        for text in ["\"3\"", "*", " * ", "\"1\", \"3\"", "\"1\",\"3\",", "\"other,tag\", \"3\""] {
            assert!(if_match(text).unwrap().check_write(Version(3)).is_ok(), "{text}");
        }
    }

    #[test]
    fn any_other_version_does_not() {
        for text in ["\"2\"", "W/\"3\"", "\"03\"", "\"+3\"", "\"three\"", "\"\""] {
            let preconditions = if_match(text).unwrap();
            let current = Some(Version(3));

            assert!(
                matches!(preconditions.check_write(Version(3)), Err(Error::VersionMismatch { current: named }) if named == current),
                "{text}"
            );
            assert!(
                matches!(preconditions.check_read(Version(3)), Err(Error::VersionMismatch { current: named }) if named == current),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_list_of_entity_tags_is_refused() {
        for text in ["", "3", "\"3", "\"3\" \"4\"", "w/\"3\"", "\"3\"x", "\"a b\"", ","] {
            assert!(matches!(if_match(text), Err(Error::InvalidRequest(_))), "{text}");
        }
    }

    #[test]
    fn only_numbers_as_they_are_written_are_versions() {
        assert_eq!(Version::parse("12"), Some(Version(12)));
        for text in ["", "0", "-1", "+1", "01", "1.0", " 1", "one", "9223372036854775808"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
        assert_eq!(Version(2).previous(), Some(Version::FIRST));
        assert_eq!(Version::FIRST.previous(), None);
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for (text, matches) in [("W/\"3\"", true), ("\"3\"", true), ("*", true), ("\"2\"", false)] {
            let preconditions = Preconditions::parse(None, Some(text)).unwrap();

            let copy = if matches { ClientCopy::Current } else { ClientCopy::Outdated };
            assert_eq!(preconditions.check_read(Version(3)).unwrap(), copy, "{text}");
            assert_eq!(preconditions.check_write(Version(3)).is_err(), matches, "{text}");
        }
    }

    #[test]
    fn if_match_comes_before_if_none_match() {
        let both = Preconditions::parse(Some("\"2\""), Some("\"3\"")).unwrap();

        assert!(both.check_read(Version(3)).is_err());
    }

    #[test]
    fn a_resource_without_a_version_matches_no_if_match() {
        for text in ["*", "\"1\""] {
            assert!(if_match(text).unwrap().check_unversioned().is_err(), "{text}");
        }
        let none_match = Preconditions::parse(None, Some("*")).unwrap();
        assert!(none_match.check_unversioned().is_ok());
    }

    #[test]
    fn without_headers_every_version_will_do() {
        let none = Preconditions::default();

        assert!(none.check_write(Version(7)).is_ok());
        assert_eq!(none.check_read(Version(7)).unwrap(), ClientCopy::Outdated);
        assert!(none.check_unversioned().is_ok());
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_refused(text in ".*") {
            let _ = Preconditions::parse(Some(&text), Some(&text));
        }

        #[test]
        fn the_tag_of_a_version_matches_that_version_alone(number in 1i64.., other in 1i64..) {
            let preconditions = if_match(&Version(number).entity_tag()).unwrap();

            prop_assert!(preconditions.check_write(Version(number)).is_ok());
            prop_assert_eq!(preconditions.check_write(Version(other)).is_ok(), number == other);
        }
    }
}
