//! The page `/docs`: the API's reference with a form for each operation, as in the developer portal
//! of API Management.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::http::request::Parts;
use serde_json::{Value, json};

use super::page::{Files, HttpResponse, JSON, response};

/// The path of the page; the document is at `/docs/openapi.json`.
pub(super) const PATH: &str = "/docs";

const FILES: Files = Files {
    path: PATH,
    html: include_str!("page.html"),
    css: include_str!("page.css"),
    script: include_str!("page.js"),
};

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
        FILES.respond(parts, |below| {
            let document = || response(StatusCode::OK, JSON, self.document.clone());
            (below == "/openapi.json").then(document)
        })
    }
}
