//! Shared parts of the pages: styles, media types and the security policy.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
pub(super) const JSON: &str = "application/json; charset=utf-8";

/// The style of all pages; each page adds its own.
const BASE_CSS: &str = include_str!("base.css");

/// What the scripts of all pages share; each page adds its own.
const BASE_JS: &str = include_str!("base.js");

/// Allows scripts, styles and data from this origin only, no framing, and no requests elsewhere.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

pub(super) type HttpResponse = Response<Full<Bytes>>;

/// The files of a page.
pub(super) struct Files {
    /// The path of the page.
    pub(super) path: &'static str,
    pub(super) html: &'static str,
    pub(super) css: &'static str,
    pub(super) script: &'static str,
}

impl Files {
    /// Serves the page, its style and its script; `other` serves its other parts, by their path below
    /// the page. Paths are case-sensitive.
    pub(super) fn respond(
        &self,
        parts: &Parts,
        other: impl FnOnce(&str) -> Option<HttpResponse>,
    ) -> HttpResponse {
        if parts.method != Method::GET {
            return response(StatusCode::METHOD_NOT_ALLOWED, JSON, "{}");
        }
        match parts.uri.path().strip_prefix(self.path).unwrap_or_default() {
            "" | "/" => response(StatusCode::OK, HTML, self.html),
            "/page.css" => response(StatusCode::OK, CSS, [BASE_CSS, self.css].concat()),
            "/page.js" => response(StatusCode::OK, JAVASCRIPT, [BASE_JS, self.script].concat()),
            below => other(below).unwrap_or_else(|| response(StatusCode::NOT_FOUND, JSON, "{}")),
        }
    }
}

/// A response with a page or a part of one.
pub(super) fn response(
    status: StatusCode,
    media_type: &'static str,
    body: impl Into<Bytes>,
) -> HttpResponse {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
    ] {
        response.headers_mut().insert(name, value);
    }
    response
}
