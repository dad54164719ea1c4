//! Header fields with their spelling.

use serde::ser::{Serialize, Serializer};

use super::super::by_name::ByName;

/// The fields of a request: the lines of each name in order, found without letter case.
#[derive(Clone)]
pub(in super::super) struct Headers(ByName<String, Vec<String>>);

impl Headers {
    pub(super) fn new() -> Self {
        Self(ByName::new())
    }

    /// Adds a line. Names that Kestrel knows get their usual spelling, others keep the first one
    /// that they came in (`HttpHeaders.Generated.cs`).
    pub(super) fn add(&mut self, name: &str, value: String) {
        let name = usual(name).unwrap_or(name).to_owned();
        self.0.add(name, vec![value], |earlier, mut later| earlier.append(&mut later));
    }

    /// Puts one line in the place of all of this name.
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

/// One array of lines per name.
impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Names that Kestrel knows.
const USUAL: [&str; 42] = [
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

fn usual(name: &str) -> Option<&'static str> {
    USUAL.into_iter().find(|usual| usual.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_have_their_usual_spelling_and_others_the_first() {
        let mut headers = Headers::new();
        for (name, value) in [("aCCept", "*/*"), ("X-a", "1, 2"), ("x-A", "3"), ("sec-X", "")] {
            headers.add(name, value.to_owned());
        }

        let written = serde_json::to_string(&headers).unwrap();
        assert_eq!(written, r#"{"Accept":["*/*"],"X-a":["1, 2","3"],"sec-X":[""]}"#);
        assert_eq!(headers.get("X-A"), Some("1, 2"));
        assert_eq!(headers.get("x-b"), None);
    }
}
