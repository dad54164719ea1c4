//! A hash of a request's content, to tell a repeated request from a different one.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// SHA-256 of a parsed body, in hexadecimal; formatting and order of the fields do not matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestHash(String);

impl RequestHash {
    /// The hash of a parsed request.
    pub fn of(request: &impl Serialize) -> Self {
        let json = serde_json::to_vec(request).expect("serialising a parsed request cannot fail");
        Self(hex::encode(Sha256::digest(&json)))
    }

    /// The first eight digits, where a difference need only be likely to show.
    pub fn prefix(&self) -> &str {
        &self.0[..8]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_content_has_equal_hashes() {
        // SHA-256 of the three bytes "a" in quotes, from sha256sum.
        assert_eq!(
            RequestHash::of(&"a").0,
            "ac8d8342bbb2362d13f0a559a3621bb407011368895164b628a54f7fc33fc43c"
        );
        assert_ne!(RequestHash::of(&"a"), RequestHash::of(&"b"));
    }
}
