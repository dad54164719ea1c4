//! The charset of a response and of its media type (`TextOutputFormatter.cs`).

use bytes::Bytes;

/// The charsets that the host can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    Utf16,
}

const ALL: [Charset; 2] = [Charset::Utf8, Charset::Utf16];

impl Charset {
    /// The charset that the caller prefers, or that of the handler's media type, or UTF-8.
    pub(super) fn negotiate(accept_charset: &[String], media_type: &str) -> Self {
        preferred(accept_charset)
            .or_else(|| media_type.split(';').find_map(charset).and_then(by_name))
            .unwrap_or(Self::Utf8)
    }

    /// Encodes a text without a byte-order mark.
    pub(super) fn encode(self, text: String) -> Bytes {
        match self {
            Self::Utf8 => Bytes::from(text),
            Self::Utf16 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        }
    }

    /// The media type with its charset replaced by this one.
    pub(super) fn set_in(self, media_type: &str) -> String {
        let mut parts: Vec<_> = media_type.split(';').map(str::to_owned).collect();
        match parts.iter().position(|part| charset(part).is_some()) {
            Some(at) if charset(&parts[at]).and_then(by_name) == Some(self) => {}
            Some(at) => {
                let name = parts[at].find('=').unwrap_or(0);
                parts[at].replace_range(name + 1.., self.name());
            }
            None => parts.push(format!(" charset={}", self.name())),
        }
        parts.join(";")
    }

    fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 => "utf-16",
        }
    }
}

fn by_name(name: &str) -> Option<Charset> {
    ALL.into_iter().find(|charset| charset.name().eq_ignore_ascii_case(name))
}

/// The first supported charset with the highest `q`.
fn preferred(accept_charset: &[String]) -> Option<Charset> {
    let mut preferred: Vec<_> = accept_charset
        .iter()
        .flat_map(|line| line.split(','))
        .map(|item| {
            let (name, parameter) = item.split_once(';').unwrap_or((item, ""));
            let quality = parameter.trim().strip_prefix("q=").and_then(|q| q.parse::<f64>().ok());
            (name.trim(), quality.unwrap_or(1.0))
        })
        .filter(|(_, quality)| *quality > 0.0)
        .collect();
    preferred.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let any = |name| if name == "*" { Some(Charset::Utf8) } else { by_name(name) };
    preferred.into_iter().find_map(|(name, _)| any(name))
}

/// The value of a `charset` parameter.
fn charset(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.trim().split_once('=')?;
    name.eq_ignore_ascii_case("charset").then(|| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_charset_is_the_callers_or_else_the_handlers() {
        for (accepted, media_type, negotiated) in [
            ("", "text/html", Charset::Utf8),
            ("", "text/html; charset=\"UTF-16\"", Charset::Utf16),
            ("latin1", "text/html; charset=utf-16", Charset::Utf16),
            ("utf-16", "text/html; charset=utf-8", Charset::Utf16),
            ("utf-16;q=0.5, utf-8;q=0.9", "text/html", Charset::Utf8),
            ("utf-16, *", "text/html", Charset::Utf16),
            ("utf-8;q=0, utf-16;q=0", "text/html; charset=utf-16", Charset::Utf16),
            ("*", "text/html; charset=utf-16", Charset::Utf8),
        ] {
            let lines = [accepted.to_owned()];
            assert_eq!(
                Charset::negotiate(&lines, media_type),
                negotiated,
                "{accepted} {media_type}"
            );
        }
    }

    #[test]
    fn the_media_type_names_the_charset_that_is_used() {
        for (given, sent) in [
            ("application/json", "application/json; charset=utf-8"),
            ("text/html; Charset=UTF-8", "text/html; Charset=UTF-8"),
            ("text/html;charset=\"utf-8\"", "text/html;charset=\"utf-8\""),
            ("text/html;charset=latin1;a=b", "text/html;charset=utf-8;a=b"),
        ] {
            assert_eq!(Charset::Utf8.set_in(given), sent);
        }
        assert_eq!(Charset::Utf16.set_in("text/a"), "text/a; charset=utf-16");
    }

    #[test]
    fn utf_16_is_little_endian_without_a_byte_order_mark() {
        assert_eq!(&Charset::Utf16.encode("x😀".to_owned())[..], b"x\0\x3d\xd8\0\xde");
    }
}
