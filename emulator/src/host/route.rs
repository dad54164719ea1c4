//! Route templates of ASP.NET, as far as functions use them.

use super::path::decoded;

/// A parsed template, prefix included.
#[derive(Debug)]
pub(super) struct Template(Vec<Segment>);

#[derive(Debug)]
enum Segment {
    Literal(String),
    Parameter { name: String, optional: bool, constraint: Constraint },
}

#[derive(Debug)]
enum Constraint {
    None,
    Int,
    Guid,
}

/// Route values: the decoded text, or nothing for an optional parameter that was left out.
pub(super) type RouteValues = Vec<(String, Option<String>)>;

impl Template {
    /// Reads `patient/{patientId}/tests/{testId?}`; constraints `:int` and `:guid` are known,
    /// defaults and catch-alls are not.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.split('/')
            .filter(|segment| !segment.is_empty())
            .map(Segment::parse)
            .collect::<Option<_>>()
            .map(Self)
    }

    /// The route values if the path matches; `path` begins with a slash and is as it was sent.
    ///
    /// Letter case of literals is ignored, one slash at the end too, and an empty segment never
    /// matches (`PathTokenizer.cs`, `RoutePatternMatcher.cs`).
    pub(super) fn match_path(&self, path: &str) -> Option<RouteValues> {
        let path = path.strip_prefix('/')?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut sent = path.split('/').filter(|_| !path.is_empty());
        let mut values = RouteValues::new();
        for segment in &self.0 {
            match (segment, sent.next()) {
                (_, Some("")) => return None,
                (Segment::Literal(literal), Some(text)) => {
                    if !decoded(text).eq_ignore_ascii_case(literal) {
                        return None;
                    }
                }
                (Segment::Parameter { name, constraint, .. }, Some(text)) => {
                    let value = decoded(text);
                    if !constraint.allows(&value) {
                        return None;
                    }
                    values.push((name.clone(), Some(value.into_owned())));
                }
                (Segment::Parameter { name, optional: true, .. }, None) => {
                    values.push((name.clone(), None));
                }
                (_, None) => return None,
            }
        }
        sent.next().is_none().then_some(values)
    }
}

impl Segment {
    fn parse(text: &str) -> Option<Self> {
        let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            return (!text.contains(['{', '}'])).then(|| Self::Literal(text.to_owned()));
        };
        let (inner, optional) = match inner.strip_suffix('?') {
            Some(inner) => (inner, true),
            None => (inner, false),
        };
        let (name, constraint) = match inner.split_once(':') {
            None => (inner, Constraint::None),
            Some((name, "int")) => (name, Constraint::Int),
            Some((name, "guid")) => (name, Constraint::Guid),
            Some(_) => return None,
        };
        if name.is_empty() || name.contains(['*', '=']) {
            return None;
        }
        Some(Self::Parameter { name: name.to_owned(), optional, constraint })
    }
}

impl Constraint {
    fn allows(&self, value: &str) -> bool {
        match self {
            Self::None => true,
            Self::Int => value.parse::<i32>().is_ok(),
            Self::Guid => uuid::Uuid::try_parse(value).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(template: &str, path: &str) -> Option<Vec<(String, Option<String>)>> {
        Template::parse(template).unwrap().match_path(path)
    }

    fn value(name: &str, value: &str) -> (String, Option<String>) {
        (name.to_owned(), Some(value.to_owned()))
    }

    #[test]
    fn literals_ignore_letter_case_and_one_slash_at_the_end() {
        for path in ["/api/patient", "/API/Patient", "/api/patient/"] {
            assert_eq!(matched("api/patient", path), Some(vec![]), "{path}");
        }
        for path in ["/api//patient", "/api/patient//", "/api", "/api/patient/x", "/"] {
            assert_eq!(matched("api/patient", path), None, "{path}");
        }
    }

    #[test]
    fn values_are_decoded_once_and_keep_an_encoded_slash() {
        assert_eq!(matched("a/{id}", "/a/x%20y"), Some(vec![value("id", "x y")]));
        assert_eq!(matched("a/{id}", "/a/x%2Fy"), Some(vec![value("id", "x%2Fy")]));
    }

    #[test]
    fn an_optional_parameter_may_be_left_out() {
        assert_eq!(matched("a/{x?}", "/a"), Some(vec![("x".to_owned(), None)]));
        assert_eq!(matched("a/{x?}", "/a/"), Some(vec![("x".to_owned(), None)]));
        assert_eq!(matched("a/{x?}", "/a/1"), Some(vec![value("x", "1")]));
    }

    #[test]
    fn a_constraint_that_fails_is_no_match_and_converts_nothing() {
        assert_eq!(matched("a/{n:int}", "/a/007"), Some(vec![value("n", "007")]));
        assert_eq!(matched("a/{n:int}", "/a/x"), None);
        assert_eq!(matched("a/{g:guid}", "/a/7"), None);
    }
}
