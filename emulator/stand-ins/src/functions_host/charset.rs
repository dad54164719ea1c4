//! The encoding of a response, and how its media type names that (`TextOutputFormatter.cs`).

use bytes::Bytes;

/// The encodings that the host can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    Utf16,
}

const ALL: [Charset; 2] = [Charset::Utf8, Charset::Utf16];

impl Charset {
    /// What the caller likes best, else what the handler's media type says, else UTF-8.
    pub(super) fn chosen(accept_charset: &[String], media_type: &str) -> Self {
        liked(accept_charset)
            .or_else(|| media_type.split(';').find_map(charset).and_then(named))
            .unwrap_or(Self::Utf8)
    }

    /// A text's bytes, without a byte-order mark.
    pub(super) fn encoded(self, text: String) -> Bytes {
        match self {
            Self::Utf8 => Bytes::from(text),
            Self::Utf16 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        }
    }

    /// The media type with this charset, in the place of any other.
    pub(super) fn written_into(self, media_type: &str) -> String {
        let mut parts: Vec<_> = media_type.split(';').map(str::to_owned).collect();
        match parts.iter().position(|part| charset(part).is_some()) {
            Some(at) if charset(&parts[at]).and_then(named) == Some(self) => {}
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

fn named(name: &str) -> Option<Charset> {
    ALL.into_iter().find(|charset| charset.name().eq_ignore_ascii_case(name))
}

/// The first of those with the highest `q` that can be written.
fn liked(accept_charset: &[String]) -> Option<Charset> {
    let mut liked: Vec<_> = accept_charset
        .iter()
        .flat_map(|line| line.split(','))
        .map(|item| {
            let (name, parameter) = item.split_once(';').unwrap_or((item, ""));
            let quality = parameter.trim().strip_prefix("q=").and_then(|q| q.parse::<f64>().ok());
            (name.trim(), quality.unwrap_or(1.0))
        })
        .filter(|(_, quality)| *quality > 0.0)
        .collect();
    liked.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let any = |name| if name == "*" { Some(Charset::Utf8) } else { named(name) };
    liked.into_iter().find_map(|(name, _)| any(name))
}

/// The charset that a parameter of a media type names.
fn charset(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.trim().split_once('=')?;
    name.eq_ignore_ascii_case("charset").then(|| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_chooses_the_charset_then_the_handler() {
        for (accepted, media_type, chosen) in [
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
            assert_eq!(Charset::chosen(&lines, media_type), chosen, "{accepted} {media_type}");
        }
    }

    #[test]
    fn the_media_type_names_the_charset_whatever_it_said() {
        for (given, sent) in [
            ("application/json", "application/json; charset=utf-8"),
            ("text/html; Charset=UTF-8", "text/html; Charset=UTF-8"),
            ("text/html;charset=\"utf-8\"", "text/html;charset=\"utf-8\""),
            ("text/html;charset=latin1;a=b", "text/html;charset=utf-8;a=b"),
        ] {
            assert_eq!(Charset::Utf8.written_into(given), sent);
        }
        assert_eq!(Charset::Utf16.written_into("text/a"), "text/a; charset=utf-16");
    }

    #[test]
    fn utf_16_begins_with_the_lower_byte_and_has_no_mark() {
        assert_eq!(&Charset::Utf16.encoded("x😀".to_owned())[..], b"x\0\x3d\xd8\0\xde");
    }
}
