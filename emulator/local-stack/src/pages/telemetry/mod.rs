//! The page `/telemetry` and what it reads. Everything on it comes from here.

use hyper::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::{Telemetry, requests, timeline};
use crate::pages::{Answer, BASE_CSS, CSS, HTML, JAVASCRIPT, JSON, answer};

/// Where the page is.
pub(crate) const PATH: &str = "/telemetry";

impl Telemetry {
    /// Answers a request for the page or a part of it; paths are compared as they are written.
    pub(crate) fn answer(&self, parts: &Parts) -> Answer {
        if parts.method != Method::GET {
            return answer(StatusCode::METHOD_NOT_ALLOWED, JSON, "{}");
        }
        let below = parts.uri.path().strip_prefix(PATH).unwrap_or_default();
        match below {
            "" | "/" => answer(StatusCode::OK, HTML, include_str!("page.html")),
            "/page.css" => {
                answer(StatusCode::OK, CSS, [BASE_CSS, include_str!("page.css")].concat())
            }
            "/page.js" => answer(StatusCode::OK, JAVASCRIPT, include_str!("page.js")),
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
