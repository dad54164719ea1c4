//! Parses query strings as ASP.NET does (`QueryFeature.cs`).

use super::case_insensitive_map::CaseInsensitiveMap;
use super::path::decoded_query;

/// Decoded pairs, in order.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded_query(name), decoded_query(value))
        })
        .collect()
}

/// Values by name, repeated ones joined with commas; names are case-insensitive and keep their last
/// spelling.
pub(super) fn joined(pairs: &[(String, String)]) -> CaseInsensitiveMap<&str, String> {
    let mut joined = CaseInsensitiveMap::new();
    for (name, value) in pairs {
        joined.merge_respelt(name.as_str(), value.clone(), |earlier, later| {
            earlier.push(',');
            earlier.push_str(&later);
        });
    }
    joined
}

/// The last value by name, with the same rules for names.
pub(super) fn last(pairs: &[(String, String)]) -> CaseInsensitiveMap<&str, &str> {
    let mut last = CaseInsensitiveMap::new();
    for (name, value) in pairs {
        last.merge_respelt(name.as_str(), value.as_str(), |earlier, later| *earlier = later);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_values_are_joined_or_the_last_one_is_taken() {
        let pairs = pairs("a=1&A=2&b&&c=%20+");

        let joined = serde_json::to_string(&joined(&pairs)).unwrap();
        assert_eq!(joined, r#"{"A":"1,2","b":"","c":"  "}"#);
        let last = serde_json::to_string(&last(&pairs)).unwrap();
        assert_eq!(last, r#"{"A":"2","b":"","c":"  "}"#);
    }
}
