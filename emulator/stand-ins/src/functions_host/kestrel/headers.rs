//! Header fields that keep their spelling.

use serde::ser::{Serialize, Serializer};

use super::super::case_insensitive_map::CaseInsensitiveMap;

/// The header fields of a request: the lines of each name, in order; names are case-insensitive.
#[derive(Clone)]
pub(in super::super) struct Headers(CaseInsensitiveMap<String, Vec<String>>);

impl Headers {
    pub(super) fn new() -> Self {
        Self(CaseInsensitiveMap::new())
    }

    /// Adds a line. Known names get Kestrel's spelling, others keep the first one
    /// (`HttpHeaders.Generated.cs`).
    pub(super) fn add(&mut self, name: &str, value: String) {
        let name = known_spelling(name).unwrap_or(name).to_owned();
        self.0.merge(name, vec![value], |earlier, mut later| earlier.append(&mut later));
    }

    /// Replaces all lines of this name with one.
    pub(in super::super) fn set(&mut self, name: &str, value: &str) {
        self.0.set(name.to_owned(), vec![value.to_owned()]);
    }

    /// The first line of this name.
    pub(in super::super) fn get(&self, name: &str) -> Option<&str> {
        self.lines(name).first().map(String::as_str)
    }

    /// All lines of this name.
    pub(in super::super) fn lines(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Each name with its lines.
    pub(in super::super) fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(name, lines)| (name.as_str(), lines.as_slice()))
    }
}

/// Serialised as one array of lines per name.
impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// The names that Kestrel knows.
const KNOWN: [&str; 42] = [
    "Accept",
    "Accept-Charset",
    "Accept-Encoding",
    "Accept-Language",
    "Access-Control-Request-Headers",
    "Access-Control-Request-Method",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "Correlation-Context",
    "Date",
    "Expect",
    "From",
    "Host",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Keep-Alive",
    "Max-Forwards",
    "Origin",
    "Pragma",
    "Proxy-Authorization",
    "Range",
    "Referer",
    "Request-Id",
    "TE",
    "Transfer-Encoding",
    "Upgrade",
    "Upgrade-Insecure-Requests",
    "User-Agent",
    "Via",
    "Warning",
    "X-Requested-With",
    "baggage",
    "traceparent",
    "tracestate",
];

fn known_spelling(name: &str) -> Option<&'static str> {
    KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_get_kestrels_spelling_and_others_keep_the_first() {
        let mut headers = Headers::new();
        for (name, value) in [("aCCept", "*/*"), ("X-a", "1, 2"), ("x-A", "3"), ("sec-X", "")] {
            headers.add(name, value.to_owned());
        }

        let json = serde_json::to_string(&headers).unwrap();
        assert_eq!(json, r#"{"Accept":["*/*"],"X-a":["1, 2","3"],"sec-X":[""]}"#);
        assert_eq!(headers.get("X-A"), Some("1, 2"));
        assert_eq!(headers.get("x-b"), None);
    }
}
