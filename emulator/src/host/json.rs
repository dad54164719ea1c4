//! JSON as Json.NET keeps it: members in the order in which they were written, the last of a
//! repeated name, and dates and fractions rewritten on the way out.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;
use serde_json::value::RawValue;

use super::dotnet;

/// Any JSON.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Json>),
    Object(Members),
}

/// The members of an object, in order, each name once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Members(pub(super) IndexMap<String, Json>);

impl Json {
    /// How many objects and arrays lie in each other.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => 0,
            Self::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(members) => 1 + members.depth(),
        }
    }

    /// A scalar as .NET prints it; nothing for null, arrays and objects.
    pub(super) fn into_scalar_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(dotnet::date_text(&text).unwrap_or(text)),
            Self::Bool(true) => Some("True".to_owned()),
            Self::Bool(false) => Some("False".to_owned()),
            Self::Number(number) => Some(match number.as_f64().filter(|_| number.is_f64()) {
                Some(fraction) => dotnet::double_text(fraction),
                None => number.to_string(),
            }),
            Self::Null | Self::List(_) | Self::Object(_) => None,
        }
    }
}

impl Members {
    /// Takes a member out; its name is compared without letter case.
    pub(super) fn take(&mut self, name: &str) -> Option<Json> {
        self.take_if(|candidate| candidate.eq_ignore_ascii_case(name))
    }

    /// Takes a member out; its name is compared with letter case.
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

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = IndexMap::new();
        while let Some((name, value)) = map.next_entry()? {
            members.insert(name, value);
        }
        Ok(Json::Object(Members(members)))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
                Some(fraction) => RawValue::from_string(dotnet::json_double(fraction))
                    .map_err(S::Error::custom)?
                    .serialize(serializer),
                None => number.serialize(serializer),
            },
            Self::Text(text) => match dotnet::rewritten_date(text) {
                Some(date) => serializer.serialize_str(&date),
                None => serializer.serialize_str(text),
            },
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(members) => serializer.collect_map(&members.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> String {
        serde_json::to_string(&serde_json::from_str::<Json>(text).unwrap()).unwrap()
    }

    #[test]
    fn members_keep_their_order_and_the_last_of_a_name_stays() {
        assert_eq!(rewritten(r#"{"b":1,"a":2,"b":3}"#), r#"{"b":3,"a":2}"#);
    }

    #[test]
    fn dates_and_fractions_are_rewritten_and_nothing_else() {
        for (text, expected) in [
            (r#"["2020-01-01T00:00:00.000Z"]"#, r#"["2020-01-01T00:00:00Z"]"#),
            ("[1.50,1e3,0.1234567890123456789]", "[1.5,1000.0,0.12345678901234568]"),
            (
                r#"[1,-1,18446744073709551615,"1.50",true,null]"#,
                r#"[1,-1,18446744073709551615,"1.50",true,null]"#,
            ),
        ] {
            assert_eq!(rewritten(text), expected);
        }
    }

    #[test]
    fn names_are_found_in_any_letter_case_unless_they_must_not_be() {
        let Json::Object(mut members) = serde_json::from_str(r#"{"Body":1}"#).unwrap() else {
            panic!("an object was written");
        };

        assert_eq!(members.take_exact("body"), None);
        assert_eq!(members.take("body"), Some(Json::Number(1.into())));
    }
}
