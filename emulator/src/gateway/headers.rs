//! Which headers go through.

use hyper::HeaderMap;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName};

/// The header with a caller's key.
pub(super) const SUBSCRIPTION_KEY: &str = "ocp-apim-subscription-key";

/// What a caller may say to the host.
pub(super) fn callers_own(headers: &HeaderMap) -> HeaderMap {
    let mut own = HeaderMap::with_capacity(headers.len() + 4);
    for (name, value) in headers {
        if passes(name, headers) && !is_the_gateways(name) {
            own.append(name, value.clone());
        }
    }
    own
}

/// Headers without those that concern one connection only (RFC 9110, section 7.6.1).
pub(super) fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, _)| passes(name, headers))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn is_the_gateways(name: &HeaderName) -> bool {
    [HOST, CONTENT_LENGTH].contains(name)
        || matches!(name.as_str(), "x-functions-key" | SUBSCRIPTION_KEY)
        || name.as_str().starts_with("x-caller-")
}

fn passes(name: &HeaderName, headers: &HeaderMap) -> bool {
    let concerns_one_connection = matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    );
    !concerns_one_connection && !is_named_by_connection(name, headers)
}

fn is_named_by_connection(name: &HeaderName, headers: &HeaderMap) -> bool {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|named| named.trim().eq_ignore_ascii_case(name.as_str()))
}
