//! The invocation payload (`ScriptInvocationContextExtensions.cs`, `HttpRequestExtensions.cs`).

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap};
use hyper::http::request::Parts;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::function::Function;
use super::header_name::canonical;
use super::identity::Identity;
use super::keys::Caller;
use super::metadata;
use super::path;
use super::query;
use super::route::RouteValues;

/// Writes the payload for one request.
pub(super) fn write(
    function: &Function,
    parts: &Parts,
    body: &[u8],
    values: &RouteValues,
    caller: &Caller,
) -> Vec<u8> {
    let query = query::pairs(parts.uri.query().unwrap_or_default());
    let body = body_text(parts, body);
    let metadata = metadata::of(function, &parts.headers, body.as_deref(), &query, values);
    let request = Request {
        url: url(parts),
        method: parts.method.as_str(),
        query: query::joined(&query),
        headers: HeaderLines(&parts.headers),
        params: InOrder(values),
        identities: [caller.into()],
        body,
    };
    let payload = Payload { data: InOrder(&[(&function.trigger, request)]), metadata };
    serde_json::to_vec(&payload).expect("names are texts, and nothing in it can fail")
}

/// A header's value, if it is text.
pub(super) fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Payload<'a, D: Serialize> {
    data: D,
    metadata: metadata::Metadata<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a, Q: Serialize, P: Serialize> {
    url: String,
    method: &'a str,
    query: Q,
    headers: HeaderLines<'a>,
    params: P,
    identities: [Identity<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, str>>,
}

/// Pairs as the members of an object.
pub(super) struct InOrder<'a, N, V>(pub(super) &'a [(N, V)]);

/// Header fields: one array of lines per name.
struct HeaderLines<'a>(&'a HeaderMap);

struct Lines<'a>(&'a HeaderMap, &'a str);

impl<N: Serialize, V: Serialize> Serialize for InOrder<'_, N, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Serialize for HeaderLines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for name in self.0.keys() {
            map.serialize_entry(canonical(name), &Lines(self.0, name.as_str()))?;
        }
        map.end()
    }
}

impl Serialize for Lines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut lines = serializer.serialize_seq(None)?;
        for line in self.0.get_all(self.1) {
            lines.serialize_element(&String::from_utf8_lossy(line.as_bytes()))?;
        }
        lines.end()
    }
}

/// The body as the host hands it over: absent unless a length above zero was announced.
fn body_text<'a>(parts: &Parts, body: &'a [u8]) -> Option<Cow<'a, str>> {
    let length: u64 = header(parts, CONTENT_LENGTH.as_str())?.parse().ok()?;
    if length == 0 {
        return None;
    }
    let media_type = header(parts, CONTENT_TYPE.as_str()).unwrap_or_default().to_ascii_lowercase();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence == "application/octet-stream" || media_type.contains("multipart/") {
        return Some(Cow::Owned(BASE64_STANDARD.encode(body)));
    }
    Some(String::from_utf8_lossy(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)))
}

/// The address; the path is encoded anew, the query stays as it was sent.
fn url(parts: &Parts) -> String {
    let host = header(parts, HOST.as_str()).unwrap_or("localhost");
    let path = path::encoded(&path::decoded(parts.uri.path()));
    match parts.uri.query() {
        Some(query) => format!("http://{host}{path}?{query}"),
        None => format!("http://{host}{path}"),
    }
}
