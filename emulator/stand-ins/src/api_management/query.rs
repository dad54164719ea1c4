//! Query strings, left as they were sent but for what a policy takes away.

use reqwest::Url;

/// The query without the parameters of this name, however it is spelled.
///
/// Whether API Management compares names without letter case is not documented; it would have to,
/// since the Functions host does.
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
    fn a_parameter_is_taken_away_however_it_is_spelled_and_the_rest_stays_as_it_is() {
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
