//! Query strings as ASP.NET reads them (`QueryFeature.cs`).

use super::by_name::ByName;
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

/// Repeated values are joined with commas; names compare without letter case, and the last
/// spelling stays.
pub(super) fn joined(pairs: &[(String, String)]) -> ByName<&str, String> {
    let mut joined = ByName::new();
    for (name, value) in pairs {
        joined.add_respelt(name.as_str(), value.clone(), |earlier, later| {
            earlier.push(',');
            earlier.push_str(&later);
        });
    }
    joined
}

/// The last value of each name, likewise.
pub(super) fn last(pairs: &[(String, String)]) -> ByName<&str, &str> {
    let mut last = ByName::new();
    for (name, value) in pairs {
        last.add_respelt(name.as_str(), value.as_str(), |earlier, later| *earlier = later);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_values_are_joined_or_the_last_counts() {
        let pairs = pairs("a=1&A=2&b&&c=%20+");

        let joined = serde_json::to_string(&joined(&pairs)).unwrap();
        assert_eq!(joined, r#"{"A":"1,2","b":"","c":"  "}"#);
        let last = serde_json::to_string(&last(&pairs)).unwrap();
        assert_eq!(last, r#"{"A":"2","b":"","c":"  "}"#);
    }
}
