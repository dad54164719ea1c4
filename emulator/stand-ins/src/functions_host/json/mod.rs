//! JSON as Json.NET represents it: members in their original order, the last value of a repeated
//! name, and dates and floating-point numbers reformatted on output.

mod reader;
mod writer;

use indexmap::IndexMap;

use super::dotnet;
pub(super) use reader::{first, whole};
pub(super) use writer::quoted;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// An integer of any size, as its digits.
    Integer(String),
    Fraction(f64),
    Text(String),
    List(Vec<Json>),
    Object(Members),
}

/// The members of an object in order, with unique names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Members(pub(super) IndexMap<String, Json>);

impl Json {
    /// The nesting depth of objects and arrays.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::Fraction(_) | Self::Text(_) => 0,
            Self::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(members) => 1 + members.depth(),
        }
    }

    /// A scalar in .NET's text format; `None` for null, arrays and objects.
    pub(super) fn into_scalar_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(dotnet::date_text(&text).unwrap_or(text)),
            Self::Bool(true) => Some("True".to_owned()),
            Self::Bool(false) => Some("False".to_owned()),
            Self::Integer(digits) => Some(digits),
            Self::Fraction(fraction) => Some(dotnet::double_text(fraction)),
            Self::Null | Self::List(_) | Self::Object(_) => None,
        }
    }
}

impl Members {
    /// Removes a member; the name is case-insensitive.
    pub(super) fn take(&mut self, name: &str) -> Option<Json> {
        self.take_if(|candidate| candidate.eq_ignore_ascii_case(name))
    }

    /// Removes a member; the name is case-sensitive.
    pub(super) fn take_exact(&mut self, name: &str) -> Option<Json> {
        self.take_if(|candidate| candidate == name)
    }

    pub(super) fn depth(&self) -> usize {
        self.0.values().map(Json::depth).max().unwrap_or(0)
    }

    fn take_if(&mut self, is_wanted: impl Fn(&str) -> bool) -> Option<Json> {
        let at = self.0.keys().rposition(|name| is_wanted(name))?;
        self.0.shift_remove_index(at).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compacted(text: &str) -> String {
        whole(text, 64).unwrap().compact()
    }

    #[test]
    fn members_keep_their_order_and_the_last_of_a_name_stays() {
        assert_eq!(compacted(r#"{"b":1,"a":2,"b":3}"#), r#"{"b":3,"a":2}"#);
    }

    #[test]
    fn only_dates_and_floating_point_numbers_are_reformatted() {
        for (text, expected) in [
            (r#"["2020-01-01T00:00:00.000Z"]"#, r#"["2020-01-01T00:00:00Z"]"#),
            ("[1.50,1e3,0.1234567890123456789]", "[1.5,1000.0,0.12345678901234568]"),
            (
                r#"[1,-1,123456789012345678901234567890,"1.50",true,null,[],{}]"#,
                r#"[1,-1,123456789012345678901234567890,"1.50",true,null,[],{}]"#,
            ),
        ] {
            assert_eq!(compacted(text), expected);
        }
    }

    #[test]
    fn names_are_case_insensitive_unless_taken_exactly() {
        let Some(Json::Object(mut members)) = whole(r#"{"Body":1}"#, 64) else {
            panic!("the text is an object");
        };

        assert_eq!(members.take_exact("body"), None);
        assert_eq!(members.take("body"), Some(Json::Integer("1".to_owned())));
    }
}
