//! Identifiers: GUIDs, accepted in any letter case, written in lower case with hyphens.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// Namespace of identifiers that are derived from an idempotency key (RFC 9562, section 6.6).
const IDEMPOTENCY_NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_3c52_9a0b_5e47_8d26_b1e4_77c0_52a9);

/// The identifier of a `T`; the type keeps identifiers of different resources apart.
pub struct Id<T>(Uuid, PhantomData<fn() -> T>);

impl<T> Id<T> {
    /// A new identifier that sorts after older ones (UUID version 7), to keep indexes compact.
    pub fn generate() -> Self {
        Self::from_uuid(Uuid::now_v7())
    }

    /// The identifier for this `caller`, `function`, `path` and `key` (UUID version 5): always the
    /// same.
    ///
    /// The parts are separated by a line feed, which none of them can contain.
    pub fn from_idempotency_key(caller: &str, function: &str, path: &str, key: &str) -> Self {
        let name = format!("{caller}\n{function}\n{path}\n{key}");
        Self::from_uuid(Uuid::new_v5(&IDEMPOTENCY_NAMESPACE, name.as_bytes()))
    }

    /// The identifier of something that is made from this record, for a `purpose` (UUID version 5):
    /// always the same. It does not tell this identifier.
    pub fn derive<U>(self, purpose: &str) -> Id<U> {
        Id::from_uuid(Uuid::new_v5(&self.0, purpose.as_bytes()))
    }

    /// Parses a GUID: hexadecimal digits in the groups 8-4-4-4-12, any letter case.
    pub fn parse(text: &str) -> Option<Self> {
        // The uuid crate also accepts braced, URN and unhyphenated forms; the contract does not.
        if text.len() != uuid::fmt::Hyphenated::LENGTH {
            return None;
        }
        Uuid::try_parse(text).ok().map(Self::from_uuid)
    }

    const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for Id<T> {}

impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<T> fmt::Display for Id<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(formatter)
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl<T> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Text in BSON too, where the uuid crate would write bytes.
        let mut buffer = Uuid::encode_buffer();
        serializer.serialize_str(self.0.as_hyphenated().encode_lower(&mut buffer))
    }
}

impl<'de, T> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Guid<T>(PhantomData<fn() -> T>);

        impl<T> de::Visitor<'_> for Guid<T> {
            type Value = Id<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a GUID")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id<T>, E> {
                // The message omits the text, which can be anything.
                Id::parse(text).ok_or_else(|| E::custom("not a GUID"))
            }
        }

        deserializer.deserialize_str(Guid(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Thing;

    #[test]
    fn letter_case_does_not_matter_and_lower_case_comes_back() {
        let id = Id::<Thing>::parse("0190A6B2-1111-7ABC-8DEF-0123456789AB").unwrap();

        assert_eq!(id.to_string(), "0190a6b2-1111-7abc-8def-0123456789ab");
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"0190a6b2-1111-7abc-8def-0123456789ab\"");
    }

    #[test]
    fn other_spellings_of_a_guid_are_refused() {
        for text in [
            "",
            "42",
            "0190a6b211117abc8def0123456789ab",
            "{0190a6b2-1111-7abc-8def-0123456789ab}",
            "urn:uuid:0190a6b2-1111-7abc-8def-0123456789ab",
            "0190a6b2-1111-7abc-8def-0123456789ag",
        ] {
            assert_eq!(Id::<Thing>::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_same_caller_function_path_and_key_give_the_same_id() {
        let id = |caller, function, path, key| {
            Id::<Thing>::from_idempotency_key(caller, function, path, key)
        };

        assert_eq!(id("a", "Create", "/x", "1"), id("a", "Create", "/x", "1"));
        assert_ne!(id("a", "Create", "/x", "1"), id("b", "Create", "/x", "1"));
        assert_ne!(id("a", "Create", "/x", "1"), id("a", "Other", "/x", "1"));
        assert_ne!(id("a", "Create", "/x", "1"), id("a", "Create", "/y", "1"));
        assert_ne!(id("a", "Create", "/x", "1"), id("a", "Create", "/x", "2"));
    }

    #[test]
    fn new_ids_are_of_version_7() {
        assert_eq!(Id::<Thing>::generate().to_string().as_bytes()[14], b'7');
    }
}
