//! Answers of stand-ins whose bodies are JSON.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::Value;

/// How Azure's services call their JSON.
pub(crate) const JSON: &str = "application/json; charset=utf-8";

/// An answer with this body.
pub(crate) fn json_answer(
    status: StatusCode,
    media_type: &'static str,
    body: &Value,
) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(body.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}
