//! The page `/docs`: the API's reference with a form for each operation, as in the developer portal
//! of API Management.

use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::page::{BASE_CSS, CSS, HTML, HttpResponse, JAVASCRIPT, JSON, response};

/// The path of the page; the document is at `/docs/openapi.json`.
pub(super) const PATH: &str = "/docs";

/// The page for an API's `OpenAPI` document.
pub(super) struct ApiDocs {
    document: Bytes,
}

impl ApiDocs {
    /// Creates the page for an API at this URL.
    pub(super) fn new(mut document: Value, url: &str) -> Self {
        document["servers"] = json!([{ "url": url }]);
        Self { document: document.to_string().into() }
    }

    /// Serves the page and its parts.
    pub(super) fn respond(&self, parts: &Parts) -> HttpResponse {
        if parts.method != Method::GET {
            return response(StatusCode::METHOD_NOT_ALLOWED, JSON, "{}");
        }
        match parts.uri.path().strip_prefix(PATH).unwrap_or_default() {
            "" | "/" => response(StatusCode::OK, HTML, include_str!("page.html")),
            "/page.css" => {
                response(StatusCode::OK, CSS, [BASE_CSS, include_str!("page.css")].concat())
            }
            "/page.js" => response(StatusCode::OK, JAVASCRIPT, include_str!("page.js")),
            "/openapi.json" => response(StatusCode::OK, JSON, self.document.clone()),
            _ => response(StatusCode::NOT_FOUND, JSON, "{}"),
        }
    }
}
