//! The page `/telemetry` and what it reads. Everything on it comes from here.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::{Telemetry, requests, timeline};

/// Where the page is.
pub(crate) const PATH: &str = "/telemetry";

/// Scripts, styles and data from here alone; nobody frames it, and it sends nothing anywhere.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const JSON: &str = "application/json; charset=utf-8";

type Answer = Response<Full<Bytes>>;

impl Telemetry {
    /// Answers a request for the page or a part of it; paths are compared as they are written.
    pub(crate) fn answer(&self, parts: &Parts) -> Answer {
        if parts.method != Method::GET {
            return answer(StatusCode::METHOD_NOT_ALLOWED, JSON, "{}");
        }
        let below = parts.uri.path().strip_prefix(PATH).unwrap_or_default();
        match below {
            "" | "/" => {
                answer(StatusCode::OK, "text/html; charset=utf-8", include_str!("page.html"))
            }
            "/page.css" => {
                answer(StatusCode::OK, "text/css; charset=utf-8", include_str!("page.css"))
            }
            "/page.js" => {
                answer(StatusCode::OK, "text/javascript; charset=utf-8", include_str!("page.js"))
            }
            "/requests" => self.if_changed(parts, || self.requests()),
            _ => match below.strip_prefix("/operations/") {
                Some(id) => self.if_changed(parts, || self.operation(id)),
                None => answer(StatusCode::NOT_FOUND, JSON, "{}"),
            },
        }
    }

    /// Answers 304 to whoever has seen everything.
    fn if_changed(&self, parts: &Parts, changed: impl FnOnce() -> Answer) -> Answer {
        // The key differs at each start, so that a page left open sees the next start's requests.
        let revision = *self.store.revision().borrow();
        let tag = format!("\"{}-{revision}\"", self.store.key.simple());
        let seen = parts.headers.get(IF_NONE_MATCH).map(HeaderValue::as_bytes);
        let mut answer = match seen == Some(tag.as_bytes()) {
            true => answer(StatusCode::NOT_MODIFIED, JSON, ""),
            false => changed(),
        };
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            answer.headers_mut().insert(ETAG, tag);
        }
        answer
    }

    fn requests(&self) -> Answer {
        let requests = requests::requests(&self.store.items());
        json_answer(&json!({ "requests": requests, "rejected": self.store.rejected().len() }))
    }

    fn operation(&self, id: &str) -> Answer {
        match timeline::operation(&self.store.items(), id) {
            Some(timeline) => json_answer(&timeline),
            None => answer(StatusCode::NOT_FOUND, JSON, "{}"),
        }
    }
}

fn json_answer(body: &impl Serialize) -> Answer {
    match serde_json::to_string(body) {
        Ok(body) => answer(StatusCode::OK, JSON, body),
        Err(_) => answer(StatusCode::INTERNAL_SERVER_ERROR, JSON, "{}"),
    }
}

fn answer(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
    ] {
        answer.headers_mut().insert(name, value);
    }
    answer
}
