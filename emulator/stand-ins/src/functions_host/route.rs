//! The subset of ASP.NET's route templates that functions use.

/// A parsed template, including the route prefix.
#[derive(Debug)]
pub(super) struct Template {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Debug)]
enum Segment {
    Literal(String),
    Parameter { name: String, is_optional: bool, constraint: Constraint },
}

#[derive(Debug)]
enum Constraint {
    None,
    Int,
}

/// Route values; `None` for an omitted optional parameter.
pub(super) type RouteValues = Vec<(String, Option<String>)>;

impl Template {
    /// Parses `patient/{patientId}/tests/{testId?}`. Of the constraints only `:int` is supported;
    /// defaults and catch-all parameters are not.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let segments = text.split('/').filter(|segment| !segment.is_empty()).map(Segment::parse);
        Some(Self {
            text: text.trim_matches('/').to_owned(),
            segments: segments.collect::<Option<_>>()?,
        })
    }

    /// Whether both have the same text (`ScriptHost.HttpRoutesConflict`).
    pub(super) fn has_same_text_as(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }

    /// The route values if the path matches; `path` begins with a slash and is decoded.
    ///
    /// Literals are case-insensitive, one trailing slash is ignored, and an empty segment never
    /// matches (`PathTokenizer.cs`, `RoutePatternMatcher.cs`).
    pub(super) fn match_path(&self, path: &str) -> Option<RouteValues> {
        let mut rest = path.strip_prefix('/')?;
        let mut values = RouteValues::new();
        for segment in &self.segments {
            let (sent, after) = rest.split_once('/').unwrap_or((rest, ""));
            if sent.is_empty() && !rest.is_empty() {
                return None;
            }
            match segment {
                Segment::Literal(literal) => {
                    if !sent.eq_ignore_ascii_case(literal) {
                        return None;
                    }
                }
                Segment::Parameter { name, is_optional, constraint } => {
                    let value = (!sent.is_empty()).then(|| sent.to_owned());
                    if !value.as_deref().map_or(*is_optional, |value| constraint.allows(value)) {
                        return None;
                    }
                    values.push((name.clone(), value));
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
        let (inner, is_optional) =
            inner.strip_suffix('?').map_or((inner, false), |inner| (inner, true));
        let (name, constraint) = match inner.split_once(':') {
            None => (inner, Constraint::None),
            Some((name, "int")) => (name, Constraint::Int),
            Some(_) => return None,
        };
        let is_name = !name.is_empty() && !name.contains(['*', '=', '?', '{', '}']);
        is_name.then(|| Self::Parameter { name: name.to_owned(), is_optional, constraint })
    }
}

impl Constraint {
    fn allows(&self, value: &str) -> bool {
        match self {
            Self::None => true,
            // .NET ignores white space around a number and accepts a sign.
            Self::Int => value.trim_matches([' ', '\t', '\n', '\r']).parse::<i32>().is_ok(),
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
    fn literals_ignore_case_and_one_trailing_slash() {
        for path in ["/api/patient", "/API/Patient", "/api/patient/"] {
            assert_eq!(matched("api/patient", path), Some(vec![]), "{path}");
        }
        for path in ["/api//patient", "/api/patient//", "/api", "/api/patient/x", "/", ""] {
            assert_eq!(matched("api/patient", path), None, "{path}");
        }
    }

    #[test]
    fn an_optional_parameter_may_be_omitted() {
        assert_eq!(matched("a/{x?}", "/a"), Some(vec![("x".to_owned(), None)]));
        assert_eq!(matched("a/{x?}", "/a/"), Some(vec![("x".to_owned(), None)]));
        assert_eq!(matched("a/{x?}", "/a/1 2"), Some(vec![value("x", "1 2")]));
        assert_eq!(matched("a/{x}", "/a/"), None);
    }

    #[test]
    fn a_constraint_filters_values_and_converts_none() {
        for number in ["007", "+7", "-7", " 7 "] {
            let path = format!("/a/{number}");
            assert_eq!(matched("a/{n:int}", &path), Some(vec![value("n", number)]));
        }
        for other in ["x", "7.0", "99999999999", "7 7"] {
            assert_eq!(matched("a/{n:int}", &format!("/a/{other}")), None, "{other}");
        }
        assert_eq!(matched("a/{n:int?}", "/a"), Some(vec![("n".to_owned(), None)]));
    }

    #[test]
    fn invalid_and_unsupported_templates_are_refused() {
        for text in ["{}", "{x=1}", "{x:guid}", "{*x}", "{**x}", "a{x}", "{x}{y}", "{a?b}"] {
            assert!(Template::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn templates_are_compared_without_case_and_outer_slashes() {
        let same_text = |one: &str, other: &str| {
            Template::parse(one).unwrap().has_same_text_as(&Template::parse(other).unwrap())
        };

        assert!(same_text("api/a/{x}", "API/A/{X}/"));
        assert!(!same_text("api/a/{x}", "api/a/{y}"));
    }
}
