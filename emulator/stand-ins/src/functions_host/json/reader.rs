//! Parses JSON as leniently as Json.NET (`JsonTextReader.cs`): either kind of quotes or none around
//! names, trailing commas, unpaired surrogates. Comments, constructors and named numbers are
//! refused, since no client sends them.

use super::{Json, Members};

/// Parses a text that is exactly one value, with limited nesting.
pub(in super::super) fn whole(text: &str, depth_max: usize) -> Option<Json> {
    let mut reader = Reader { text, at: 0, depth_left: depth_max };
    let value = reader.value()?;
    reader.skip_white_space();
    (reader.at == text.len()).then_some(value)
}

/// Parses the first value and ignores the rest; `None` for an empty text.
///
/// # Errors
/// If the text is not JSON.
pub(in super::super) fn first(text: &str, depth_max: usize) -> Result<Option<Json>, ()> {
    let mut reader = Reader { text, at: 0, depth_left: depth_max };
    reader.skip_white_space();
    if reader.at == text.len() { Ok(None) } else { reader.value().map(Some).ok_or(()) }
}

/// Reads byte by byte, since unoptimised tests parse megabytes.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth_left: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Option<Json> {
        self.skip_white_space();
        match self.peek()? {
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::list),
            b'"' | b'\'' => self.quoted().map(Json::Text),
            b'-' | b'0'..=b'9' => self.number(),
            _ => match self.word() {
                "null" => Some(Json::Null),
                "true" => Some(Json::Bool(true)),
                "false" => Some(Json::Bool(false)),
                _ => None,
            },
        }
    }

    fn nested(&mut self, read: impl Fn(&mut Self) -> Option<Json>) -> Option<Json> {
        self.at += 1;
        self.depth_left = self.depth_left.checked_sub(1)?;
        let value = read(self);
        self.depth_left += 1;
        value
    }

    fn list(&mut self) -> Option<Json> {
        let mut items = Vec::new();
        while !self.consumes(b']') {
            items.push(self.value()?);
            if !self.consumes(b',') {
                return self.consumes(b']').then_some(Json::List(items));
            }
        }
        Some(Json::List(items))
    }

    fn object(&mut self) -> Option<Json> {
        let mut members = Members::default();
        while !self.consumes(b'}') {
            let name = match self.peek()? {
                b'"' | b'\'' => self.quoted()?,
                _ => Some(self.word()).filter(|word| !word.is_empty())?.to_owned(),
            };
            if !self.consumes(b':') {
                return None;
            }
            let value = self.value()?;
            members.0.insert(name, value);
            if !self.consumes(b',') {
                return self.consumes(b'}').then_some(Json::Object(members));
            }
        }
        Some(Json::Object(members))
    }

    fn number(&mut self) -> Option<Json> {
        let start = self.at;
        let (mut is_whole, mut is_number) = (true, true);
        while let Some(byte) = self.peek() {
            match byte {
                b'0'..=b'9' => {}
                b'-' if self.at == start => {}
                b'.' | b'e' | b'E' | b'+' | b'-' => is_whole = false,
                // Words such as `inf`, which Rust would parse, are not numbers.
                b'a'..=b'z' | b'A'..=b'Z' => is_number = false,
                _ => break,
            }
            self.at += 1;
        }
        let number = &self.text[start..self.at];
        let digits = number.strip_prefix('-').unwrap_or(number);
        if !is_number || digits.is_empty() {
            return None;
        }
        if digits.starts_with('0') && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit) {
            // Json.NET would read it as octal.
            return None;
        }
        if is_whole {
            return Some(Json::Integer(if digits == "0" { digits } else { number }.to_owned()));
        }
        number.parse().ok().filter(|fraction: &f64| fraction.is_finite()).map(Json::Fraction)
    }

    /// A quoted string; an unpaired surrogate becomes U+FFFD, as when .NET writes UTF-8.
    fn quoted(&mut self) -> Option<String> {
        let quote = self.peek()?;
        let mut text = String::new();
        loop {
            let start = self.at + 1;
            self.at = start;
            while !matches!(self.peek()?, byte if byte == quote || byte == b'\\') {
                self.at += 1;
            }
            text.push_str(&self.text[start..self.at]);
            if self.peek()? == quote {
                self.at += 1;
                return Some(text);
            }
            self.at += 1;
            text.push(self.escape()?);
        }
    }

    /// The character of an escape sequence; leaves its last byte unread.
    fn escape(&mut self) -> Option<char> {
        Some(match self.peek()? {
            kind @ (b'"' | b'\'' | b'\\' | b'/') => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit(self.at + 1)?;
                self.at += 4;
                let is_escape = self.text.as_bytes().get(self.at + 1..self.at + 3) == Some(b"\\u");
                let low = if is_escape { self.unit(self.at + 3) } else { None };
                match (char::from_u32(unit.into()), low) {
                    (Some(character), _) => character,
                    (None, Some(low)) => match char::decode_utf16([unit, low]).next() {
                        Some(Ok(character)) => {
                            self.at += 6;
                            character
                        }
                        _ => '\u{fffd}',
                    },
                    (None, None) => '\u{fffd}',
                }
            }
            _ => return None,
        })
    }

    fn unit(&self, at: usize) -> Option<u16> {
        let digits = self.text.get(at..at + 4)?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_number.then(|| u16::from_str_radix(digits, 16).ok())?
    }

    fn word(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let is_over = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$'));
        let word = &rest[..rest.find(is_over).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    /// Consumes a sign and the white space around it, if it comes next.
    fn consumes(&mut self, sign: u8) -> bool {
        self.skip_white_space();
        if self.peek() != Some(sign) {
            return false;
        }
        self.at += 1;
        self.skip_white_space();
        true
    }

    fn skip_white_space(&mut self) {
        if self.peek().is_some_and(|byte| !byte.is_ascii_graphic()) {
            let rest = &self.text[self.at..];
            self.at += rest.len() - rest.trim_start().len();
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compacted(text: &str) -> Option<String> {
        whole(text, 3).map(|json| json.compact())
    }

    #[test]
    fn lenient_json_is_accepted() {
        for (text, read) in [
            (" { \"a\" : [ 1 , 2 ] } ", r#"{"a":[1,2]}"#),
            ("{'a':'\"',b_$:2,}", r#"{"a":"\"","b_$":2}"#),
            ("[1,]", "[1]"),
            ("[]", "[]"),
            ("-0", "0"),
            (r#""\ud83d\ude00\ud800\ud800x\u00e9\/""#, "\"😀\u{fffd}\u{fffd}xé/\""),
        ] {
            assert_eq!(compacted(text).as_deref(), Some(read), "{text}");
        }
    }

    #[test]
    fn invalid_json_is_refused() {
        for text in [
            "",
            "{",
            "[",
            "\"",
            "{a}",
            "{:1}",
            "{\"a\":}",
            "[,]",
            "[1 2]",
            "01",
            "-",
            "1x",
            "NaN",
            "1e999",
            "inf",
            "nul",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u+123\"",
            "1 2",
            "[[[[]]]]",
            "{}}",
        ] {
            assert_eq!(compacted(text), None, "{text}");
        }
    }

    #[test]
    fn text_after_the_first_value_is_ignored() {
        assert_eq!(first("[1] and more", 3), Ok(Some(Json::List(vec![Json::Integer("1".into())]))));
        assert_eq!(first(" \n", 3), Ok(None));
        assert_eq!(first("}", 3), Err(()));
    }
}
