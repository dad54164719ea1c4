//! JSON responses.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::Value;

/// The media type of Azure's JSON responses.
pub(crate) const JSON: &str = "application/json; charset=utf-8";

/// Builds a response with a JSON body.
pub(crate) fn json_response(
    status: StatusCode,
    media_type: &'static str,
    body: &Value,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
