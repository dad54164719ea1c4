//! Percent-encoding of paths, as Kestrel takes it off and puts it on again (`PathString.cs`).

use std::borrow::Cow;
use std::fmt::Write;

/// Decodes once; an encoded slash stays as it is, and so does what is no UTF-8.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        match escaped(rest) {
            Some(byte) if byte != b'/' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            Some(_) | None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    match String::from_utf8(bytes) {
        Ok(decoded) => Cow::Owned(decoded),
        Err(error) => Cow::Owned(valid_parts(error.as_bytes())),
    }
}

/// Encodes what may not stand in a path; what looks encoded stays.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        let may_stand = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
        if may_stand || escaped(&text.as_bytes()[at..]).is_some() {
            encoded.push(char::from(byte));
        } else {
            escape(&mut encoded, byte);
        }
    }
    encoded
}

/// The byte that an escape at the beginning stands for.
fn escaped(text: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(text.strip_prefix(b"%")?.get(..2)?).ok()?;
    if digits.starts_with('+') {
        return None;
    }
    u8::from_str_radix(digits, 16).ok()
}

fn valid_parts(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            escape(&mut text, *byte);
        }
    }
    text
}

fn escape(text: &mut String, byte: u8) {
    write!(text, "%{byte:02X}").expect("a string takes anything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_and_no_slash_is_decoded_once() {
        for (sent, text) in [
            ("x%20y", "x y"),
            ("x%2Fy%2fz", "x%2Fy%2fz"),
            ("%2541", "%41"),
            ("%zz%", "%zz%"),
            ("%+1", "%+1"),
            ("a+b", "a+b"),
            ("%C3%A9%ff", "é%FF"),
        ] {
            assert_eq!(decoded(sent), text, "{sent}");
        }
    }

    #[test]
    fn only_what_may_not_stand_in_a_path_is_encoded() {
        for (text, path) in
            [("/a b/é", "/a%20b/%C3%A9"), ("/a+b:@", "/a+b:@"), ("/x%2Fy%", "/x%2Fy%25")]
        {
            assert_eq!(encoded(text), path);
        }
    }
}
