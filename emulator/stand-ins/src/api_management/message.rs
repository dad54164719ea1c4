//! Requests to the backend and responses to the caller.

use std::net::IpAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};

use crate::http::MinRateBody;

/// The largest body that is buffered, as in the small tiers
/// (<https://learn.microsoft.com/azure/api-management/service-limits>).
const BUFFER_BYTES_MAX: usize = 2 << 20;

/// A request, which policies may change.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: RequestBody,
    pub(super) address: IpAddr,
}

/// The body of a request.
pub(super) enum RequestBody {
    /// There is no body: `context.Request.Body` is null.
    None,
    /// Not read until a policy needs it.
    Unread(MinRateBody),
    Read(Bytes),
    /// Larger than the buffer; the rest was not read.
    TooLarge,
}

/// The caller disconnected or was too slow.
#[derive(Debug)]
pub(super) struct IncompleteBody;

/// A response, which policies may change.
#[derive(Clone)]
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

/// The body of a response.
#[derive(Clone)]
pub(super) enum Body {
    Whole(Bytes),
    /// The backend did not finish it. Policies do not notice; the caller's connection is closed.
    Incomplete,
}

impl Request {
    pub(super) fn new(parts: Parts, body: MinRateBody, address: IpAddr) -> Self {
        let body = match body.is_end_stream() {
            true => RequestBody::None,
            false => RequestBody::Unread(body),
        };
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers,
            body,
            address,
        }
    }
}

impl RequestBody {
    /// Reads the body, unless that is done.
    pub(super) async fn buffer(&mut self) -> Result<(), IncompleteBody> {
        let Self::Unread(body) = self else {
            return Ok(());
        };
        *self = match Limited::new(body, BUFFER_BYTES_MAX).collect().await {
            Ok(body) => Self::Read(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Self::TooLarge,
            Err(_) => return Err(IncompleteBody),
        };
        Ok(())
    }

    /// The buffered bytes, if any.
    pub(super) fn bytes(&self) -> Option<Bytes> {
        match self {
            Self::Read(bytes) => Some(bytes.clone()),
            Self::None | Self::Unread(_) | Self::TooLarge => None,
        }
    }

    /// The length in bytes; `None` without a body. An unread body must be buffered first.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Read(bytes) => Some(bytes.len() as u64),
            Self::Unread(_) | Self::TooLarge => Some(BUFFER_BYTES_MAX as u64 + 1),
        }
    }
}

impl Response {
    /// An empty 200 response.
    pub(super) fn new() -> Self {
        Self { status: StatusCode::OK, headers: HeaderMap::new(), body: Body::from("") }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Whole(bytes.into())
    }
}
