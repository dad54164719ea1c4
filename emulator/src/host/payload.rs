//! The invocation payload (`ScriptInvocationContextExtensions.cs`, `HttpRequestExtensions.cs`).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use super::app_folder::Function;
use super::dotnet;
use super::route::RouteValues;

/// Writes the payload for one request.
pub(super) fn write(
    function: &Function,
    parts: &Parts,
    body: &Bytes,
    values: &RouteValues,
    identity: Value,
) -> Vec<u8> {
    let query = query_pairs(parts.uri.query().unwrap_or_default());
    let body = body_text(parts, body);
    let mut request = json!({
        "Url": url(parts),
        "Method": parts.method.as_str(),
        "Query": joined(&query),
        "Headers": headers(parts),
        "Params": values.iter().cloned().map(|(name, value)| (name, Value::from(value))).collect::<Map<_, _>>(),
        "Identities": [identity],
    });
    if let Some(body) = &body {
        request["Body"] = Value::from(body.as_str());
    }
    let payload = json!({
        "Data": { &function.trigger: request },
        "Metadata": metadata(function, parts, body.as_deref(), &query, values),
    });
    payload.to_string().into_bytes()
}

/// The body as the host hands it over: absent unless a length above zero was announced.
fn body_text(parts: &Parts, body: &Bytes) -> Option<String> {
    let length: u64 = header(parts, CONTENT_LENGTH.as_str())?.parse().ok()?;
    if length == 0 {
        return None;
    }
    let media_type = header(parts, CONTENT_TYPE.as_str()).unwrap_or_default().to_ascii_lowercase();
    let bytes_stay =
        media_type.starts_with("application/octet-stream") || media_type.contains("multipart/");
    if bytes_stay {
        return Some(BASE64_STANDARD.encode(body));
    }
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    Some(String::from_utf8_lossy(text).into_owned())
}

fn url(parts: &Parts) -> String {
    let host = header(parts, HOST.as_str()).unwrap_or("localhost");
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    format!("http://{host}{target}")
}

/// One array of lines per name.
fn headers(parts: &Parts) -> Map<String, Value> {
    parts
        .headers
        .keys()
        .map(|name| {
            let lines = parts.headers.get_all(name).iter();
            let lines =
                lines.map(|line| Value::from(String::from_utf8_lossy(line.as_bytes()))).collect();
            (canonical(name.as_str()), Value::Array(lines))
        })
        .collect()
}

/// Well-known names come in their usual spelling; hyper has made others lower-case.
fn canonical(name: &str) -> String {
    const KNOWN: [&str; 12] = [
        "Accept",
        "Accept-Encoding",
        "Authorization",
        "Connection",
        "Content-Encoding",
        "Content-Length",
        "Content-Type",
        "Host",
        "If-Match",
        "If-None-Match",
        "Transfer-Encoding",
        "User-Agent",
    ];
    let known = KNOWN.iter().find(|candidate| candidate.eq_ignore_ascii_case(name));
    known.map_or_else(|| name.to_owned(), |known| (*known).to_owned())
}

/// What the trigger's binding data make of a request; nothing here that `Data` has not.
fn metadata(
    function: &Function,
    parts: &Parts,
    body: Option<&str>,
    query: &[(String, String)],
    values: &RouteValues,
) -> Value {
    let mut metadata = Map::new();
    if let Some(Ok(Value::Object(members))) = body.map(serde_json::from_str::<Value>) {
        for (name, value) in members {
            set(&mut metadata, &name, value);
        }
    }
    for (name, value) in query.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("code")) {
        set(&mut metadata, name, Value::from(value.as_str()));
    }
    for (name, value) in values {
        if let Some(value) = value {
            set(&mut metadata, name, Value::from(value.as_str()));
        }
    }
    let last: Map<_, _> =
        query.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let lines: Map<_, _> = headers(parts)
        .into_iter()
        .map(|(name, lines)| {
            let lines: Vec<_> =
                lines.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            (name, Value::from(lines.join(",")))
        })
        .collect();
    for (name, object) in [("Query", last), ("Headers", lines)] {
        if !metadata.keys().any(|taken| taken.eq_ignore_ascii_case(name)) {
            metadata.insert(name.to_owned(), Value::Object(object));
        }
    }
    let sys = if metadata.contains_key("sys") { "$sys" } else { "sys" };
    metadata.insert(
        sys.to_owned(),
        json!({
            "MethodName": function.name,
            "UtcNow": time::OffsetDateTime::now_utc().format(&time::format_description::well_known::Rfc3339).unwrap_or_default(),
            "RandGuid": uuid::Uuid::new_v4().to_string(),
        }),
    );
    Value::Object(metadata)
}

/// Objects stay objects; scalars are written as .NET text, and that as JSON in a string.
fn set(metadata: &mut Map<String, Value>, name: &str, value: Value) {
    if name.to_ascii_lowercase().ends_with("trigger") {
        return;
    }
    let text = match value {
        Value::Null | Value::Array(_) => return,
        Value::Object(_) => {
            metadata.insert(name.to_owned(), value);
            return;
        }
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => dotnet::date_text(&text).unwrap_or(text),
    };
    metadata.insert(name.to_owned(), Value::from(Value::from(text).to_string()));
}

/// Decoded pairs, in order.
pub(super) fn query_pairs(query: &str) -> Vec<(String, String)> {
    reqwest::Url::parse(&format!("http://host/?{query}"))
        .map(|url| {
            url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
        })
        .unwrap_or_default()
}

/// Repeated values are joined with commas; names compare without letter case.
fn joined(pairs: &[(String, String)]) -> Map<String, Value> {
    let mut joined: Vec<(String, String)> = Vec::new();
    for (name, value) in pairs {
        match joined.iter_mut().find(|(taken, _)| taken.eq_ignore_ascii_case(name)) {
            Some((_, values)) => {
                values.push(',');
                values.push_str(value);
            }
            None => joined.push((name.clone(), value.clone())),
        }
    }
    joined.into_iter().map(|(name, value)| (name, Value::from(value))).collect()
}

pub(super) fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_query_values_are_joined() {
        let pairs = query_pairs("a=1&A=2&b");

        assert_eq!(Value::Object(joined(&pairs)), json!({"a": "1,2", "b": ""}));
    }
}
