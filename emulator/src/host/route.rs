//! Route templates of ASP.NET, as far as functions use them.

use super::path::decoded;

/// A parsed template, prefix included.
#[derive(Debug)]
pub(super) struct Template(Vec<Segment>);

#[derive(Debug)]
enum Segment {
    Literal(String),
    Parameter {
        name: String,
        absent: Absent,
        constraint: Constraint,
    },
    /// Takes all that is left, slashes included.
    CatchAll {
        name: String,
        default: Option<String>,
    },
}

/// What becomes of a parameter that the path does not have.
#[derive(Clone, Debug)]
enum Absent {
    NoMatch,
    Null,
    Default(String),
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
    /// Reads `patient/{patientId}/tests/{testId?}`; of constraints `:int` and `:guid` are known.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let segments: Vec<_> = text
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(Segment::parse)
            .collect::<Option<_>>()?;
        let catch_all = segments.iter().position(|each| matches!(each, Segment::CatchAll { .. }));
        catch_all.is_none_or(|at| at + 1 == segments.len()).then_some(Self(segments))
    }

    /// The route values if the path matches; `path` begins with a slash and is as it was sent.
    ///
    /// Letter case of literals is ignored, one slash at the end too, and an empty segment never
    /// matches (`PathTokenizer.cs`, `RoutePatternMatcher.cs`).
    pub(super) fn match_path(&self, path: &str) -> Option<RouteValues> {
        let mut rest = path.strip_prefix('/')?;
        let mut values = RouteValues::new();
        for segment in &self.0 {
            let (sent, after) = rest.split_once('/').unwrap_or((rest, ""));
            if sent.is_empty() && !rest.is_empty() {
                return None;
            }
            match segment {
                Segment::Literal(literal) => {
                    if !decoded(sent).eq_ignore_ascii_case(literal) {
                        return None;
                    }
                }
                Segment::Parameter { name, absent, constraint } => {
                    let value = if sent.is_empty() { absent.value()? } else { Some(text(sent)) };
                    if !value.as_deref().is_none_or(|value| constraint.allows(value)) {
                        return None;
                    }
                    values.push((name.clone(), value));
                }
                Segment::CatchAll { name, default } => {
                    let value = if rest.is_empty() { default.clone() } else { Some(text(rest)) };
                    values.push((name.clone(), value));
                    return Some(values);
                }
            }
            rest = after;
        }
        rest.is_empty().then_some(values)
    }
}

impl Segment {
    fn parse(text: &str) -> Option<Self> {
        let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            return (!text.contains(['{', '}'])).then(|| Self::Literal(text.to_owned()));
        };
        let (inner, absent) = match (inner.strip_suffix('?'), inner.split_once('=')) {
            (Some(inner), None) => (inner, Absent::Null),
            (None, Some((inner, default))) => (inner, Absent::Default(default.to_owned())),
            (None, None) => (inner, Absent::NoMatch),
            // A parameter with a default is optional anyway.
            (Some(_), Some(_)) => return None,
        };
        if let Some(name) = inner.strip_prefix("**").or_else(|| inner.strip_prefix('*')) {
            return Some(Self::CatchAll { name: named(name)?, default: absent.value().flatten() });
        }
        let (name, constraint) = match inner.split_once(':') {
            None => (inner, Constraint::None),
            Some((name, "int")) => (name, Constraint::Int),
            Some((name, "guid")) => (name, Constraint::Guid),
            Some(_) => return None,
        };
        Some(Self::Parameter { name: named(name)?, absent, constraint })
    }
}

impl Absent {
    /// The value, or null; nothing at all if there is no match.
    fn value(&self) -> Option<Option<String>> {
        match self {
            Self::NoMatch => None,
            Self::Null => Some(None),
            Self::Default(value) => Some(Some(value.clone())),
        }
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

fn named(name: &str) -> Option<String> {
    (!name.is_empty() && !name.contains(['*', ':', '?'])).then(|| name.to_owned())
}

fn text(sent: &str) -> String {
    decoded(sent).into_owned()
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
    fn a_default_stands_in_for_what_was_left_out() {
        assert_eq!(matched("a/{x=1}", "/a/"), Some(vec![value("x", "1")]));
        assert_eq!(matched("a/{x:int=1}", "/a/2"), Some(vec![value("x", "2")]));
        assert_eq!(matched("a/{x=1}/b", "/a"), None);
    }

    #[test]
    fn a_catch_all_takes_the_rest() {
        let nothing = || Some(vec![("x".to_owned(), None)]);

        for (template, path, values) in [
            ("a/{*x}", "/a/b%20c/d", Some(vec![value("x", "b c/d")])),
            ("a/{**x}", "/a/b//c/", Some(vec![value("x", "b//c/")])),
            ("a/{*x=1}", "/a", Some(vec![value("x", "1")])),
            ("a/{*x}", "/a", nothing()),
            ("a/{*x}", "/a/", nothing()),
            ("a/{*x}", "/a//b", None),
        ] {
            assert_eq!(matched(template, path), values, "{template} on {path}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in ["{}", "{x?=1}", "{x:long}", "{*x}/a", "{*x:int}", "a{x}", "{*}", "{***x}"] {
            assert!(Template::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_constraint_that_fails_is_no_match_and_converts_nothing() {
        assert_eq!(matched("a/{n:int}", "/a/007"), Some(vec![value("n", "007")]));
        assert_eq!(matched("a/{n:int}", "/a/x"), None);
        assert_eq!(matched("a/{g:guid}", "/a/7"), None);
    }
}
