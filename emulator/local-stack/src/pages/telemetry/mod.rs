//! The page `/telemetry` and its data. It loads nothing from elsewhere.

mod requests;
mod timeline;

use hyper::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde::Serialize;
use serde_json::json;

use stand_ins::app_insights::Telemetry;

use super::page::{self, BASE_CSS, CSS, HTML, HttpResponse, JAVASCRIPT, JSON};

/// The path of the page.
pub(super) const PATH: &str = "/telemetry";

/// Serves the page and its parts; paths are case-sensitive.
pub(super) fn respond(telemetry: &Telemetry, parts: &Parts) -> HttpResponse {
    if parts.method != Method::GET {
        return page::response(StatusCode::METHOD_NOT_ALLOWED, JSON, "{}");
    }
    let below = parts.uri.path().strip_prefix(PATH).unwrap_or_default();
    match below {
        "" | "/" => page::response(StatusCode::OK, HTML, include_str!("page.html")),
        "/page.css" => {
            page::response(StatusCode::OK, CSS, [BASE_CSS, include_str!("page.css")].concat())
        }
        "/page.js" => page::response(StatusCode::OK, JAVASCRIPT, include_str!("page.js")),
        "/requests" => if_changed(telemetry, parts, || last_requests(telemetry)),
        _ => match below.strip_prefix("/operations/") {
            Some(id) => if_changed(telemetry, parts, || operation(telemetry, id)),
            None => page::response(StatusCode::NOT_FOUND, JSON, "{}"),
        },
    }
}

/// Returns 304 if the browser has the newest version.
fn if_changed(
    telemetry: &Telemetry,
    parts: &Parts,
    changed: impl FnOnce() -> HttpResponse,
) -> HttpResponse {
    let tag = format!("\"{}\"", telemetry.version());
    let sent_tag = parts.headers.get(IF_NONE_MATCH).map(HeaderValue::as_bytes);
    let mut response = match sent_tag == Some(tag.as_bytes()) {
        true => page::response(StatusCode::NOT_MODIFIED, JSON, ""),
        false => changed(),
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

fn last_requests(telemetry: &Telemetry) -> HttpResponse {
    let requests = requests::requests(&telemetry.items());
    json_response(&json!({ "requests": requests, "rejected": telemetry.rejected().len() }))
}

fn operation(telemetry: &Telemetry, id: &str) -> HttpResponse {
    match timeline::operation(&telemetry.items(), id) {
        Some(timeline) => json_response(&timeline),
        None => page::response(StatusCode::NOT_FOUND, JSON, "{}"),
    }
}

fn json_response(body: &impl Serialize) -> HttpResponse {
    match serde_json::to_string(body) {
        Ok(body) => page::response(StatusCode::OK, JSON, body),
        Err(_) => page::response(StatusCode::INTERNAL_SERVER_ERROR, JSON, "{}"),
    }
}
