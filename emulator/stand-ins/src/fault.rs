//! Faults that a stand-in applies to its requests.

use std::future::pending;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::json;

use crate::http::{JSON, json_response};

/// A fault for every request until it is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The response has this status and `Retry-After: 1`.
    Status(u16),
    /// There is no response, not even after the fault has been cleared.
    Hang,
    /// The connection is closed without a response.
    Drop,
}

/// Closes the connection without a response.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on purpose")]
pub(crate) struct Dropped;

impl Fault {
    /// The response that the client gets, if it gets one.
    pub(crate) async fn respond(self) -> Result<Response<Full<Bytes>>, Dropped> {
        match self {
            Self::Status(status) => Ok(failure(status)),
            Self::Hang => pending().await,
            Self::Drop => Err(Dropped),
        }
    }
}

fn failure(status: u16) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error = json!({ "error": { "code": "Fault", "message": "A fault on demand." } });
    let mut response = json_response(status, JSON, &error);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
