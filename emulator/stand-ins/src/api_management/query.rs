//! Query strings, unchanged except for parameters that a policy removes.

use reqwest::Url;

/// Removes the parameters of this name, in any case and encoding.
///
/// API Management does not document whether names are case-insensitive; they must be, since the
/// Functions host's are.
pub(super) fn without(query: &str, name: &str) -> Option<String> {
    let is_other = |pair: &&str| !decoded(pair).is_some_and(|(n, _)| n.eq_ignore_ascii_case(name));
    let kept: Vec<_> = query.split('&').filter(is_other).collect();
    (!kept.is_empty()).then(|| kept.join("&"))
}

/// The value of the first parameter of this name.
pub(super) fn value(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(decoded);
    pairs.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn decoded(pair: &str) -> Option<(String, String)> {
    let url = Url::parse(&format!("http://gateway/?{pair}")).ok()?;
    let (name, value) = url.query_pairs().next()?;
    Some((name.into_owned(), value.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_removed_in_any_spelling_and_the_rest_is_unchanged() {
        for (sent, kept) in [
            ("limit=5&code=k&x=%2F", Some("limit=5&x=%2F")),
            ("c%6Fde=k&CODE=k", None),
            ("a&&b=&codes=", Some("a&&b=&codes=")),
            ("", Some("")),
        ] {
            assert_eq!(without(sent, "code").as_deref(), kept, "{sent}");
        }
    }

    #[test]
    fn the_first_value_counts() {
        assert_eq!(
            value("a=1&subscription%2Dkey=k%20&subscription-key=x", "subscription-key"),
            Some("k ".to_owned())
        );
        assert_eq!(value("a=1", "subscription-key"), None);
    }
}
