//! Serialises JSON (`JsonTextWriter.cs`, `JavaScriptUtils.cs`).

use std::fmt::Write;

use serde::ser::{Error, Serialize, Serializer};
use serde_json::value::RawValue;

use super::super::dotnet;
use super::{Json, Members};

impl Json {
    /// Serialises without white space.
    pub(in super::super) fn compact(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, None);
        text
    }

    /// Serialises with a line per member and item, indented by two spaces.
    pub(in super::super) fn indented(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, Some(0));
        text
    }

    fn write(&self, text: &mut String, indent: Option<usize>) {
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Self::Integer(digits) => text.push_str(digits),
            Self::Fraction(fraction) => text.push_str(&dotnet::json_double(*fraction)),
            Self::Text(value) => match dotnet::rewritten_date(value) {
                Some(date) => quote(text, &date),
                None => quote(text, value),
            },
            Self::List(items) => {
                enclosed(text, ['[', ']'], indent, items, |text, item, indent| {
                    item.write(text, indent);
                });
            }
            Self::Object(Members(members)) => {
                let separator = if indent.is_some() { ": " } else { ":" };
                enclosed(text, ['{', '}'], indent, members, |text, (name, value), indent| {
                    quote(text, name);
                    text.push_str(separator);
                    value.write(text, indent);
                });
            }
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.compact()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// A string in JSON.
pub(in super::super) fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    quote(&mut text, value);
    text
}

fn enclosed<I: IntoIterator>(
    text: &mut String,
    [opening, closing]: [char; 2],
    indent: Option<usize>,
    items: I,
    write: impl Fn(&mut String, I::Item, Option<usize>),
) {
    let inner = indent.map(|indent| indent + 1);
    let mut is_empty = true;
    text.push(opening);
    for item in items {
        if !is_empty {
            text.push(',');
        }
        is_empty = false;
        break_line(text, inner);
        write(text, item, inner);
    }
    if !is_empty {
        break_line(text, indent);
    }
    text.push(closing);
}

fn break_line(text: &mut String, indent: Option<usize>) {
    if let Some(indent) = indent {
        text.push('\n');
        text.extend(std::iter::repeat_n("  ", indent));
    }
}

/// Escapes JavaScript's line separators too.
fn quote(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\0'..='\u{1f}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::super::whole;
    use super::*;

    #[test]
    fn strings_are_escaped_as_in_json_net() {
        assert_eq!(
            quoted("\"\\\n\u{1}\u{7f}é\u{85}\u{2028}</x>"),
            "\"\\\"\\\\\\n\\u0001\u{7f}é\\u0085\\u2028</x>\""
        );
    }

    #[test]
    fn an_object_is_indented_and_an_empty_one_is_not() {
        let json = whole(r#"{"a":[1,{"b":{}}],"c":[]}"#, 64).unwrap();

        assert_eq!(
            json.indented(),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": {}\n    }\n  ],\n  \"c\": []\n}"
        );
    }
}
