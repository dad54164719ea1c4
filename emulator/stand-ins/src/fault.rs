//! What a stand-in does to requests when it is told to fail.

use std::future::pending;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::json;

use crate::http::{JSON, json_answer};

/// What happens to every request until further notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is answered with this status, and `Retry-After: 1`.
    Status(u16),
    /// It is never answered, not even after the fault has ended.
    Hang,
    /// The connection is closed in place of an answer.
    Drop,
}

/// Ends the connection in place of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on purpose")]
pub(crate) struct Dropped;

impl Fault {
    /// What the caller gets, if it gets anything.
    pub(crate) async fn answer(self) -> Result<Response<Full<Bytes>>, Dropped> {
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
    let mut answer = json_answer(status, JSON, &error);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}
