//! Which headers go through.

use std::collections::HashSet;

use hyper::HeaderMap;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName};

/// The header with a caller's key.
pub(super) const SUBSCRIPTION_KEY: &str = "ocp-apim-subscription-key";

/// What a caller may say to the host.
pub(super) fn callers_own(headers: &HeaderMap) -> HeaderMap {
    let mut own = HeaderMap::with_capacity(headers.len() + 4);
    let named = named_by_connection(headers);
    for (name, value) in headers {
        if passes(name, &named) && !is_the_gateways(name) {
            own.append(name, value.clone());
        }
    }
    own
}

/// Headers without those that concern one connection only (RFC 9110, section 7.6.1).
pub(super) fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named = named_by_connection(headers);
    headers
        .iter()
        .filter(|(name, _)| passes(name, &named))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn is_the_gateways(name: &HeaderName) -> bool {
    [HOST, CONTENT_LENGTH].contains(name)
        || matches!(name.as_str(), "x-functions-key" | SUBSCRIPTION_KEY)
        || name.as_str().starts_with("x-caller-")
}

fn passes(name: &HeaderName, named_by_connection: &HashSet<String>) -> bool {
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
    !concerns_one_connection && !named_by_connection.contains(name.as_str())
}

/// The names, in lower case as those of headers are here.
fn named_by_connection(headers: &HeaderMap) -> HashSet<String> {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|named| named.trim().to_ascii_lowercase())
        .collect()
}
