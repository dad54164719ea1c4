//! Percent-encoding and decoding of paths, as in Kestrel (`PathString.cs`).

use std::borrow::Cow;
use std::fmt::Write;

/// Decodes a path once; keeps encoded slashes and invalid UTF-8. `None` if it contains a zero byte
/// (`UrlDecoder.cs`).
pub(super) fn decoded_path(text: &str) -> Option<Cow<'_, str>> {
    let path = decoded(text, |decoded| decoded != '/');
    (!path.contains('\0')).then_some(path)
}

/// Decodes a name or a value of a query once; keeps invalid UTF-8 (`Uri.UnescapeDataString`).
pub(super) fn decoded_query(text: &str) -> String {
    decoded(&text.replace('+', " "), |_| true).into_owned()
}

/// Resolves `.` and `..` after decoding (`PathNormalizer.cs`).
pub(super) fn without_dots(path: &str) -> String {
    if !path.contains("/.") {
        return path.to_owned();
    }
    let mut kept = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            other => {
                kept.push(other);
                continue;
            }
        }
        if is_last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

fn decoded(text: &str, may_be_decoded: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at..];
        let bytes = escaped_bytes(rest);
        if bytes.is_empty() {
            decoded.push('%');
            rest = &rest[1..];
            continue;
        }
        let (mut escapes, after) = rest.split_at(3 * bytes.len());
        for chunk in bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                let (escape, next) = escapes.split_at(3 * character.len_utf8());
                match may_be_decoded(character) {
                    true => decoded.push(character),
                    false => decoded.push_str(escape),
                }
                escapes = next;
            }
            let (invalid, next) = escapes.split_at(3 * chunk.invalid().len());
            decoded.push_str(invalid);
            escapes = next;
        }
        rest = after;
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

/// The bytes of the escapes at the beginning.
fn escaped_bytes(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(3).map_while(escaped).collect()
}

/// Encodes the characters that a path may not contain; keeps existing escapes.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        let is_allowed = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
        if is_allowed || escaped(&text.as_bytes()[at..]).is_some() {
            encoded.push(char::from(byte));
        } else {
            escape(&mut encoded, byte);
        }
    }
    encoded
}

/// The byte of an escape at the beginning.
fn escaped(text: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(text.strip_prefix(b"%")?.get(..2)?).ok()?;
    if digits.starts_with('+') {
        return None;
    }
    u8::from_str_radix(digits, 16).ok()
}

fn escape(text: &mut String, byte: u8) {
    write!(text, "%{byte:02X}").expect("a string takes anything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_slashes_and_invalid_utf_8_is_decoded_once() {
        for (sent, text) in [
            ("x%20y", "x y"),
            ("x%2Fy%2fz", "x%2Fy%2fz"),
            ("%2541", "%41"),
            ("%zz%", "%zz%"),
            ("%+1", "%+1"),
            ("a+b", "a+b"),
            ("%C3%A9%ff%c3x", "é%ff%c3x"),
        ] {
            assert_eq!(decoded_path(sent).as_deref(), Some(text), "{sent}");
        }
        assert_eq!(decoded_path("a%00"), None);
    }

    #[test]
    fn a_query_decodes_slashes_and_pluses() {
        assert_eq!(decoded_query("a%2Fb+%2B%FF%"), "a/b +%FF%");
    }

    #[test]
    fn dot_segments_are_resolved() {
        for (path, resolved) in [
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/..", "/"),
            ("/a/b/.", "/a/b/"),
            ("/../a", "/a"),
            ("/a//../b", "/a/b"),
            ("/.a/b..", "/.a/b.."),
        ] {
            assert_eq!(without_dots(path), resolved, "{path}");
        }
    }

    #[test]
    fn only_characters_that_a_path_may_not_contain_are_encoded() {
        for (text, path) in
            [("/a b/é", "/a%20b/%C3%A9"), ("/a+b:@", "/a+b:@"), ("/x%2Fy%", "/x%2Fy%25")]
        {
            assert_eq!(encoded(text), path);
        }
    }
}
