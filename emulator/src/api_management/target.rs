//! Paths and queries.

use std::borrow::Cow;

use hyper::Uri;
use hyper::http::request::Parts;

const SUBSCRIPTION_KEY: &str = "subscription-key";

/// `/patient` and what lies below it; API Management compares without letter case.
///
/// A path that some reader could take for a way out again is none, or a caller would reach the
/// rest of the host with the host's own key.
pub(super) fn is_patient_path(path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else {
        return false;
    };
    let (first, below) = path.split_once('/').unwrap_or((path, ""));
    first.eq_ignore_ascii_case("patient") && stays_below(below)
}

/// Whether no segment is empty, but for the last one, and none is made of dots, however dots and
/// slashes are written.
fn stays_below(path: &str) -> bool {
    let has_gap = path.starts_with('/') || path.contains("//");
    let path = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/");
    let path = path.replace("%5c", "/").replace('\\', "/");
    !has_gap && path.split('/').all(|segment| !matches!(segment, "." | ".."))
}

/// What telemetry calls a request: nothing of what the caller wrote below `/patient`.
pub(super) fn operation(parts: &Parts) -> String {
    let path = parts.uri.path().trim_end_matches('/');
    let below = if path.matches('/').count() > 1 { "/…" } else { "" };
    format!("{} /patient{below}", parts.method)
}

/// Path and query as they were sent, less the keys in the query.
pub(super) fn forwarded(uri: &Uri) -> Cow<'_, str> {
    let Some(query) = uri.query() else {
        return Cow::Borrowed(uri.path());
    };
    let kept: Vec<_> = query.split('&').filter(|pair| !has_key(pair)).collect();
    if kept.is_empty() {
        return Cow::Borrowed(uri.path());
    }
    Cow::Owned(format!("{}?{}", uri.path(), kept.join("&")))
}

/// The caller's key in a query.
pub(super) fn subscription_key(query: &str) -> Option<String> {
    query
        .split('&')
        .filter_map(decoded)
        .find(|(name, _)| name.eq_ignore_ascii_case(SUBSCRIPTION_KEY))
        .map(|(_, key)| key)
}

/// Whether a pair is a key, however its name is spelled.
fn has_key(pair: &str) -> bool {
    decoded(pair).is_some_and(|(name, _)| {
        name.eq_ignore_ascii_case("code") || name.eq_ignore_ascii_case(SUBSCRIPTION_KEY)
    })
}

fn decoded(pair: &str) -> Option<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://gateway/?{pair}")).ok()?;
    let (name, value) = url.query_pairs().next()?;
    Some((name.into_owned(), value.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_patients_are_behind_the_gateway() {
        for (path, is_patient) in [
            ("/patient", true),
            ("/Patient/1/tests", true),
            ("/patients", false),
            ("/", false),
            ("/admin/host/keys", false),
            ("//patient", false),
            ("/patient/", true),
            ("/patient/a%20b%2Fc/tests/", true),
            ("/patient/a..b/.c", true),
            ("/patient/%252e%252e", true),
            ("/patient/%5Cx%2F%2F", true),
            ("/patient/../../admin/host/status", false),
            ("/patient/1/..", false),
            ("/patient/./1", false),
            ("/patient/%2e%2E/admin", false),
            ("/patient/.%2e/admin", false),
            ("/patient/..%2fadmin", false),
            ("/patient/1%2F..%2F..%2Fadmin", false),
            ("/patient/..\\admin", false),
            ("/patient\\..\\admin", false),
            ("/patient/..%5Cadmin", false),
            ("/patient//admin", false),
            ("/patient//", false),
            ("/patient/1//tests", false),
        ] {
            assert_eq!(is_patient_path(path), is_patient, "{path}");
        }
    }

    #[test]
    fn telemetry_does_not_repeat_what_the_caller_wrote() {
        for (method, target, name) in [
            ("POST", "/patient", "POST /patient"),
            ("POST", "/Patient/", "POST /patient"),
            ("GET", "/patient/Moana?name=Ada", "GET /patient/…"),
            ("GET", "/patient/7/tests", "GET /patient/…"),
        ] {
            let request = hyper::Request::builder().method(method).uri(target).body(()).unwrap();
            assert_eq!(operation(&request.into_parts().0), name);
        }
    }

    #[test]
    fn keys_in_the_query_go_no_further() {
        for (sent, kept) in [
            ("/patient/?limit=5&code=k&subscription-key=s&x=%2F", "/patient/?limit=5&x=%2F"),
            ("/patient?c%6Fde=k&CODE=k&subscription%2Dkey=s", "/patient"),
            ("/patient?a&&b=", "/patient?a&&b="),
            ("/patient?", "/patient?"),
            ("/patient", "/patient"),
        ] {
            assert_eq!(forwarded(&sent.parse().unwrap()), kept, "{sent}");
        }
    }
}
