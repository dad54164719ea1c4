//! The page `/telemetry` and its data. It loads nothing from elsewhere.

mod requests;
mod timeline;

use hyper::StatusCode;
use hyper::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use hyper::http::request::Parts;
use serde::Serialize;
use serde_json::json;

use stand_ins::app_insights::Telemetry;

use super::page::{self, Files, HttpResponse, JSON};

/// The path of the page.
pub(super) const PATH: &str = "/telemetry";

const FILES: Files = Files {
    path: PATH,
    html: include_str!("page.html"),
    css: include_str!("page.css"),
    script: include_str!("page.js"),
};

/// Serves the page and its parts.
pub(super) fn respond(telemetry: &Telemetry, parts: &Parts) -> HttpResponse {
    FILES.respond(parts, |below| {
        if below == "/requests" {
            return Some(if_changed(telemetry, parts, || last_requests(telemetry)));
        }
        let id = below.strip_prefix("/operations/")?;
        Some(if_changed(telemetry, parts, || operation(telemetry, id)))
    })
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
