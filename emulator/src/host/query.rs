//! Query strings as ASP.NET reads them.

/// Decoded pairs, in order.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    if query.is_empty() {
        return Vec::new();
    }
    reqwest::Url::parse(&format!("http://host/?{query}"))
        .map(|url| {
            url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
        })
        .unwrap_or_default()
}

/// Repeated values are joined with commas; names compare without letter case.
pub(super) fn joined(pairs: &[(String, String)]) -> Vec<(&str, String)> {
    let mut joined: Vec<(&str, String)> = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        match joined.iter_mut().find(|(taken, _)| taken.eq_ignore_ascii_case(name)) {
            Some((_, values)) => {
                values.push(',');
                values.push_str(value);
            }
            None => joined.push((name, value.clone())),
        }
    }
    joined
}

/// The last value of each name; names compare without letter case.
pub(super) fn last(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    let mut last: Vec<(&str, &str)> = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        match last.iter_mut().find(|(taken, _)| taken.eq_ignore_ascii_case(name)) {
            Some((_, earlier)) => *earlier = value,
            None => last.push((name, value)),
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_values_are_joined_or_the_last_counts() {
        let pairs = pairs("a=1&A=2&b&c=%20+");

        let owned = |text: &str| text.to_owned();
        assert_eq!(joined(&pairs), [("a", owned("1,2")), ("b", owned("")), ("c", owned("  "))]);
        assert_eq!(last(&pairs), [("a", "2"), ("b", ""), ("c", "  ")]);
    }
}
