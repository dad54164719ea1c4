//! Header fields of a request.

/// Header fields, one joined value per name; names compare without letter case.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Adds the lines of one field, joined with commas (RFC 9110, section 5.3).
    pub fn insert(&mut self, name: String, lines: Vec<String>) {
        let value = if lines.len() == 1 {
            lines.into_iter().next().unwrap_or_default()
        } else {
            lines.join(", ")
        };
        self.0.push((name, value));
    }

    /// The value of a field, if it was sent.
    pub fn get(&self, name: &str) -> Option<&str> {
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
        headers.insert("If-Match".to_owned(), vec!["\"1\"".to_owned(), "\"2\"".to_owned()]);

        assert_eq!(headers.get("if-match"), Some("\"1\", \"2\""));
        assert_eq!(headers.get("ETag"), None);
    }
}
