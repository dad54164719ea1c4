//! Query strings as ASP.NET reads them.

use super::by_name::ByName;

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
pub(super) fn joined(pairs: &[(String, String)]) -> ByName<&str, String> {
    let mut joined = ByName::new();
    for (name, value) in pairs {
        joined.add(name.as_str(), value.clone(), |earlier, later| {
            earlier.push(',');
            earlier.push_str(&later);
        });
    }
    joined
}

/// The last value of each name; names compare without letter case.
pub(super) fn last(pairs: &[(String, String)]) -> ByName<&str, &str> {
    let mut last = ByName::new();
    for (name, value) in pairs {
        last.set(name.as_str(), value.as_str());
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_values_are_joined_or_the_last_counts() {
        let pairs = pairs("a=1&A=2&b&c=%20+");

        let joined = serde_json::to_string(&joined(&pairs)).unwrap();
        assert_eq!(joined, r#"{"a":"1,2","b":"","c":"  "}"#);
        let last = serde_json::to_string(&last(&pairs)).unwrap();
        assert_eq!(last, r#"{"a":"2","b":"","c":"  "}"#);
    }
}
