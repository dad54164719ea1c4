//! The number of a version.

use serde_json::{Value, json};

use super::{Mistakes, Rule};
use crate::Version;
use crate::json::Json;

/// The number of a version, from 1; see [`version`].
pub struct VersionRule;

/// The number of a version.
pub const fn version() -> VersionRule {
    VersionRule
}

impl Rule for VersionRule {
    type Output = Version;

    fn read(&self, value: Json<'_>, mistakes: &mut Mistakes) -> Option<Version> {
        let version = match value {
            Json::Integer(number) => Version::from_number(number),
            _ => None,
        };
        if version.is_none() {
            mistakes.note("must be a version: a whole number from 1");
        }
        version
    }

    fn schema(&self) -> Value {
        json!({"type": "integer", "format": "int64", "minimum": 1})
    }
}

#[cfg(test)]
mod tests {
    use crate::{Body, Error, Version, validation};

    fn parse(body: &str) -> crate::Result<Version> {
        validation::parse(Body::read(body)?, |fields| fields.required("version", super::version()))
    }

    #[test]
    fn a_whole_number_from_1_is_a_version() {
        assert_eq!(parse(r#"{"version": 7}"#).unwrap().number(), 7);
        for value in ["0", "-1", "1.0", "1e0", "\"1\"", "true", "[1]", "9223372036854775808"] {
            let refused = parse(&format!(r#"{{"version": {value}}}"#));
            assert!(matches!(refused, Err(Error::InvalidBody(_))), "{value}");
        }
    }
}
