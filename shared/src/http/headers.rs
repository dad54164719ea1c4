//! Header fields of a request.

/// The fields that anybody here looks at. Whoever a request passes on its way to us adds more than
/// as many others, which need not be kept.
const KEPT: [&str; 13] = [
    "content-encoding",
    "content-length",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "request-id",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "x-caller-address",
    "x-caller-subscription",
    "x-caller-user",
];

/// Header fields, one joined value per name; names compare without letter case.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<(&'static str, String)>);

impl Headers {
    /// The name under which a field is kept, if it is.
    pub(crate) fn kept(name: &str) -> Option<&'static str> {
        KEPT.into_iter().find(|kept| kept.eq_ignore_ascii_case(name))
    }

    /// Adds the lines of one field, joined with commas (RFC 9110, section 5.3).
    pub(crate) fn insert(&mut self, name: &'static str, lines: Vec<String>) {
        let value = if lines.len() == 1 {
            lines.into_iter().next().unwrap_or_default()
        } else {
            lines.join(", ")
        };
        self.0.push((name, value));
    }

    /// The value of a field that is kept, if it was sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        debug_assert!(Self::kept(name).is_some(), "{name} is not kept");
        self.0
            .iter()
            .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_letter_case_and_lines_are_joined() {
        let mut headers = Headers::default();
        let name = Headers::kept("IF-Match").expect("it is looked at");
        headers.insert(name, vec!["\"1\"".to_owned(), "\"2\"".to_owned()]);

        assert_eq!(headers.get("If-Match"), Some("\"1\", \"2\""));
        assert_eq!(headers.get("If-None-Match"), None);
        assert_eq!(Headers::kept("X-ARR-LOG-ID"), None);
    }
}
