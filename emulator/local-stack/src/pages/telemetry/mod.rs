//! The page `/telemetry` and what it reads. Everything on it comes from here.

mod requests;
mod timeline;

use hyper::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde::Serialize;
use serde_json::json;

use stand_ins::app_insights::Telemetry;

use super::page::{self, Answer, BASE_CSS, CSS, HTML, JAVASCRIPT, JSON};

/// Where the page is.
pub(super) const PATH: &str = "/telemetry";

/// Answers a request for the page or a part of it; paths are compared as they are written.
pub(super) fn answer(telemetry: &Telemetry, parts: &Parts) -> Answer {
    if parts.method != Method::GET {
        return page::answer(StatusCode::METHOD_NOT_ALLOWED, JSON, "{}");
    }
    let below = parts.uri.path().strip_prefix(PATH).unwrap_or_default();
    match below {
        "" | "/" => page::answer(StatusCode::OK, HTML, include_str!("page.html")),
        "/page.css" => {
            page::answer(StatusCode::OK, CSS, [BASE_CSS, include_str!("page.css")].concat())
        }
        "/page.js" => page::answer(StatusCode::OK, JAVASCRIPT, include_str!("page.js")),
        "/requests" => if_changed(telemetry, parts, || last_requests(telemetry)),
        _ => match below.strip_prefix("/operations/") {
            Some(id) => if_changed(telemetry, parts, || operation(telemetry, id)),
            None => page::answer(StatusCode::NOT_FOUND, JSON, "{}"),
        },
    }
}

/// Answers 304 if the browser has the newest version.
fn if_changed(telemetry: &Telemetry, parts: &Parts, changed: impl FnOnce() -> Answer) -> Answer {
    let tag = format!("\"{}\"", telemetry.version());
    let seen = parts.headers.get(IF_NONE_MATCH).map(HeaderValue::as_bytes);
    let mut answer = match seen == Some(tag.as_bytes()) {
        true => page::answer(StatusCode::NOT_MODIFIED, JSON, ""),
        false => changed(),
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.headers_mut().insert(ETAG, tag);
    }
    answer
}

fn last_requests(telemetry: &Telemetry) -> Answer {
    let requests = requests::requests(&telemetry.items());
    json_answer(&json!({ "requests": requests, "rejected": telemetry.rejected().len() }))
}

fn operation(telemetry: &Telemetry, id: &str) -> Answer {
    match timeline::operation(&telemetry.items(), id) {
        Some(timeline) => json_answer(&timeline),
        None => page::answer(StatusCode::NOT_FOUND, JSON, "{}"),
    }
}

fn json_answer(body: &impl Serialize) -> Answer {
    match serde_json::to_string(body) {
        Ok(body) => page::answer(StatusCode::OK, JSON, body),
        Err(_) => page::answer(StatusCode::INTERNAL_SERVER_ERROR, JSON, "{}"),
    }
}
