//! Tests the parser with payloads recorded from the real Functions host.
//!
//! The emulated host is tested with the same recordings; `emulator/stand-ins/tests/recordings`
//! documents their origin.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;
use warp::http::HeaderMap;

use super::invocation::Invocation;
use crate::Deadline;
use crate::http::{Header, Request};

const RECORDINGS: &str = include_str!("../../../emulator/stand-ins/tests/recordings/payloads.json");

#[derive(Deserialize)]
struct Recordings {
    recordings: Vec<Recording>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recording {
    name: String,
    request_base64: String,
    /// Absent if the host refused the request itself.
    payload: Option<Value>,
}

/// The expected request. Its method is part of the function's name.
#[derive(Debug, PartialEq, Eq)]
struct Meaning {
    path: &'static str,
    params: Vec<(&'static str, Option<&'static str>)>,
    query: Vec<(&'static str, &'static str)>,
    /// The headers that the app reads, by name.
    headers: Vec<(&'static str, &'static str)>,
    key_name: Option<&'static str>,
    body: Body,
}

#[derive(Debug, PartialEq, Eq)]
enum Body {
    None,
    AsSent,
    Text(&'static str),
}

#[test]
fn every_recorded_payload_is_read_as_its_request_meant() {
    let Recordings { recordings } = serde_json::from_str(RECORDINGS).unwrap();
    let mut count = 0;
    for Recording { name, request_base64, payload } in recordings {
        let Some(payload) = payload else { continue };
        let payload = serde_json::to_vec(&payload).unwrap();
        let deadline = Deadline::after(std::time::Duration::from_secs(20));

        let invocation = Invocation::unpack(&payload, &HeaderMap::new(), deadline).expect(&name);
        let Invocation::Http(request) = invocation else { panic!("{name} is a request") };

        assert_means(&name, &request, &meaning(&name), &request_base64);
        count += 1;
    }
    assert_eq!(count, 41);
}

fn assert_means(name: &str, request: &Request, meaning: &Meaning, sent_base64: &str) {
    assert_eq!(request.path, meaning.path, "{name}");
    let params = request.params.iter().map(|(param, value)| (param.as_str(), value.as_deref()));
    assert_eq!(params.collect::<Vec<_>>(), meaning.params, "{name}");
    let query = request.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    assert_eq!(query.collect::<Vec<_>>(), meaning.query, "{name}");
    for header in ["Content-Length", "Content-Type", "If-Match", "Transfer-Encoding"] {
        let meant = meaning.headers.iter().find(|(name, _)| *name == header);
        let sent = Header::named(header).and_then(|header| request.headers.get(header));
        assert_eq!(sent, meant.map(|(_, value)| *value), "{name} {header}");
    }
    assert_eq!(request.caller().key_name.as_deref(), meaning.key_name, "{name}");
    let sent = BASE64_STANDARD.decode(sent_base64).unwrap();
    let body = match meaning.body {
        Body::None => None,
        Body::AsSent => {
            String::from_utf8(sent).unwrap().split_once("\r\n\r\n").map(|it| it.1.to_owned())
        }
        Body::Text(text) => Some(text.to_owned()),
    };
    assert_eq!(request.body, body, "{name}");
}

/// A request for `GET /api/echo/1` unless it says otherwise.
fn plain() -> Meaning {
    Meaning {
        path: "/api/echo/1",
        params: vec![("id", Some("1")), ("x", None)],
        query: vec![],
        headers: vec![],
        key_name: None,
        body: Body::None,
    }
}

fn query(query: &[(&'static str, &'static str)]) -> Meaning {
    Meaning { query: query.to_vec(), ..plain() }
}

fn path(path: &'static str, id: &'static str, x: Option<&'static str>) -> Meaning {
    Meaning { path, params: vec![("id", Some(id)), ("x", x)], ..plain() }
}

fn body(length: &'static str, media_type: &'static str, body: Body) -> Meaning {
    let headers = vec![("Content-Length", length), ("Content-Type", media_type)];
    Meaning { headers, body, ..plain() }
}

fn json(length: &'static str) -> Meaning {
    body(length, "application/json", Body::AsSent)
}

fn keyed(path: &'static str, n: Option<&'static str>, in_query: bool) -> Meaning {
    Meaning {
        path,
        params: vec![("n", n)],
        query: if in_query { vec![("code", "KEY")] } else { vec![] },
        key_name: Some("default"),
        ..plain()
    }
}

fn meaning(name: &str) -> Meaning {
    match name {
        "plain" | "utf8 header" | "anon bad key" | "method custom" => plain(),
        "query" => query(&[("tag", "a"), ("tag", "b"), ("q", ""), ("code", "zz")]),
        "query case" => query(&[("a", "1"), ("A", "2")]),
        // The first byte is not UTF-8. The host leaves `%FF`; no valid value has such bytes.
        "query bad pct" => query(&[("a", "\u{fffd}é"), ("b", "%zz"), ("c", "%")]),
        "query plus semicolon" => query(&[("b", "x y+"), ("c", "1;d=2")]),
        "query empty name" => query(&[("", "x"), ("e=", "1")]),
        "query headers name" => query(&[
            ("headers", "1"),
            ("query", "2"),
            ("sys", "3"),
            ("reqtrigger", "4"),
            ("id", "9"),
        ]),
        "headers" => Meaning { headers: vec![("If-Match", "\"1\"")], ..plain() },
        "path pct" => path("/api/echo/a%20b%2Fc%2fd+e/%C3%A9%25", "a b%2Fc%2fd+e", Some("é%")),
        "path badutf" => path("/api/echo/%FF%C3%A9", "%FFé", None),
        "path colon" => path("/api/echo/a:b@c;d=e,f", "a:b@c;d=e,f", None),
        "path quotes" => path("/api/echo/a%22%3C%3E%5Cb%7C", "a\"<>\\b|", None),
        "http10 like" => path("/api/echo/1/", "1", None),
        "int" => keyed("/api/keyed/007", Some("007"), true),
        "int plus" => keyed("/api/keyed/+7", Some("+7"), true),
        "int ws" => keyed("/api/keyed/%207", Some(" 7"), true),
        "host key" => keyed("/api/keyed", None, true),
        "host key header" => keyed("/api/keyed", None, false),
        "anon good key" => {
            Meaning { key_name: Some("default"), query: vec![("code", "KEY")], ..plain() }
        }
        "json" => json("306"),
        "json dup" => json("19"),
        "json single quotes" => json("12"),
        "json trailing" | "json array" => json("9"),
        "json deep" => json("421"),
        "surrogates" => json("33"),
        "get with body" => json("7"),
        "ws body" => json("3"),
        "json in text" => body("9", "text/plain", Body::AsSent),
        "form" => body("7", "application/x-www-form-urlencoded", Body::AsSent),
        "octet" => body("3", "application/octet-stream; x=y", Body::Text("/wBh")),
        "multipart" => body("6", "multipart/form-data; boundary=x", Body::Text("LS14LS3/")),
        "png" => body("3", "image/png", Body::Text("\u{fffd}\u{fffd}a")),
        "utf16" => body("6", "text/plain", Body::Text("hi")),
        "bom" => body("10", "application/json", Body::Text("{\"a\":1}")),
        "ctrl" => body("4", "text/plain", Body::Text("\0\u{1}\u{7f}\u{fffd}")),
        "cl0" => body("0", "application/json", Body::None),
        "chunked" => Meaning {
            headers: vec![("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")],
            ..plain()
        },
        other => panic!("what does {other} mean?"),
    }
}
