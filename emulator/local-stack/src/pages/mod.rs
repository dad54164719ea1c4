//! The pages on the gateway's port. They need no key: they contain no patient data and are
//! reachable only from this machine. Their scripts send requests to the API with the key that the user
//! enters.

mod access_log;
mod docs;
mod page;
mod telemetry;

use std::sync::Arc;

use hyper::header::{CACHE_CONTROL, HeaderValue};
use hyper::http::request::Parts;
use serde_json::Value;
use stand_ins::api_management::Pages;
use stand_ins::app_insights::Telemetry;

use docs::ApiDocs;
use page::HttpResponse;

/// Creates the pages of a gateway with this `OpenAPI` document and URL.
pub fn new(document: Value, url: &str, telemetry: Telemetry) -> Pages {
    let docs = ApiDocs::new(document, url);
    Arc::new(move |parts| {
        let mut response = page(&docs, &telemetry, parts)?;
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Some(response)
    })
}

fn page(docs: &ApiDocs, telemetry: &Telemetry, parts: &Parts) -> Option<HttpResponse> {
    let is_at = |page: &str| {
        let below = parts.uri.path().strip_prefix(page);
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    };
    if is_at(telemetry::PATH) {
        Some(telemetry::respond(telemetry, parts))
    } else if is_at(docs::PATH) {
        Some(docs.respond(parts))
    } else if is_at(access_log::PATH) {
        Some(access_log::respond(parts))
    } else {
        None
    }
}
