//! The invocation payload (`ScriptInvocationContextExtensions.cs`, `HttpRequestExtensions.cs`).

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Serialize, Serializer};

use super::function::Function;
use super::identity::Identity;
use super::kestrel::{Headers, Request};
use super::keys::Caller;
use super::metadata::{self, Metadata};
use super::path;
use super::query;
use super::route::RouteValues;

/// Serialises the payload of an HTTP request.
pub(super) fn write(
    function: &Function,
    request: &Request,
    body: &[u8],
    values: &RouteValues,
    caller: &Caller,
) -> Vec<u8> {
    let query = query::pairs(request.query.as_deref().unwrap_or_default());
    let headers = &request.headers;
    let body = body_text(headers, body);
    let metadata = metadata::for_request(&function.name, headers, body.as_deref(), &query, values);
    let data = HttpTrigger {
        url: url(request),
        method: &request.method,
        query: query::joined(&query),
        headers,
        params: InOrder(values),
        identities: [caller.into()],
        body,
    };
    assemble(&function.trigger, data, metadata)
}

/// Serialises a payload: the data of the trigger under its name, and the metadata.
pub(super) fn assemble(trigger: &str, data: impl Serialize, metadata: Metadata<'_>) -> Vec<u8> {
    let payload = Payload { data: InOrder(&[(trigger, data)]), metadata };
    serde_json::to_vec(&payload).expect("names are texts, and nothing in it can fail")
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Payload<'a, D: Serialize> {
    data: D,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HttpTrigger<'a, Q: Serialize, P: Serialize> {
    url: String,
    method: &'a str,
    query: Q,
    headers: &'a Headers,
    params: P,
    identities: [Identity<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, str>>,
}

/// Serialises pairs as an object, in order.
pub(super) struct InOrder<'a, N, V>(pub(super) &'a [(N, V)]);

impl<N: Serialize, V: Serialize> Serialize for InOrder<'_, N, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// The body as a string; absent unless a length above zero was declared.
fn body_text<'a>(headers: &Headers, body: &'a [u8]) -> Option<Cow<'a, str>> {
    if body.is_empty() {
        return None;
    }
    let media_type = headers.get("Content-Type").unwrap_or_default().to_ascii_lowercase();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence == "application/octet-stream" || media_type.contains("multipart/") {
        return Some(Cow::Owned(BASE64_STANDARD.encode(body)));
    }
    Some(decode(body))
}

/// Decodes UTF-8, or the encoding of a byte-order mark; the charset of the media type is ignored.
fn decode(body: &[u8]) -> Cow<'_, str> {
    let utf_16 = |body: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = body.as_chunks::<2>().0.iter().copied().map(unit);
        char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match body {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf_16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf_16(rest, u16::from_be_bytes)),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        body => String::from_utf8_lossy(body),
    }
}

/// The URL: the path is encoded again, the query kept as sent. Behind Azure's front end the scheme
/// is the caller's (`AppServiceHeaderFixupMiddleware.cs`).
fn url(request: &Request) -> String {
    let headers = &request.headers;
    let scheme = headers.get("X-Forwarded-Proto").unwrap_or("http");
    let host = headers.get("Host").unwrap_or("localhost");
    let path = path::encoded(&request.path);
    match &request.query {
        Some(query) => format!("{scheme}://{host}{path}?{query}"),
        None => format!("{scheme}://{host}{path}"),
    }
}
