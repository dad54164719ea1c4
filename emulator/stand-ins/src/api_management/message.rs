//! A request on its way to the backend, and a response on its way to the caller.

use std::net::IpAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};

use crate::http::MinRateBody;

/// No more of a body is kept; the small tiers buffer no more either
/// (<https://learn.microsoft.com/azure/api-management/service-limits>).
const BUFFER_BYTES_MAX: usize = 2 << 20;

/// What a caller sent, as the policies change it.
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
    /// There is none: `context.Request.Body` is null.
    None,
    /// Nothing of it is read before a policy needs it.
    Unread(MinRateBody),
    Read(Bytes),
    /// It is larger than what is buffered, and the rest was not read.
    TooLarge,
}

/// The caller went away, or was too slow.
#[derive(Debug)]
pub(super) struct BrokenOff;

/// What a caller gets, as the policies change it.
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
    /// The backend broke off in it. Policies see nothing of that; the caller's connection breaks.
    Broken,
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
    /// Reads it, unless that has happened.
    pub(super) async fn buffer(&mut self) -> Result<(), BrokenOff> {
        let Self::Unread(body) = self else {
            return Ok(());
        };
        *self = match Limited::new(body, BUFFER_BYTES_MAX).collect().await {
            Ok(body) => Self::Read(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Self::TooLarge,
            Err(_) => return Err(BrokenOff),
        };
        Ok(())
    }

    /// What there is of it, once it is buffered.
    pub(super) fn bytes(&self) -> Option<Bytes> {
        match self {
            Self::Read(bytes) => Some(bytes.clone()),
            Self::None | Self::Unread(_) | Self::TooLarge => None,
        }
    }

    /// How many bytes it has; none if there is no body. A body that is not read has to be
    /// buffered before.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Read(bytes) => Some(bytes.len() as u64),
            Self::Unread(_) | Self::TooLarge => Some(BUFFER_BYTES_MAX as u64 + 1),
        }
    }
}

impl Response {
    /// The response to which a policy adds what it wants.
    pub(super) fn new() -> Self {
        Self { status: StatusCode::OK, headers: HeaderMap::new(), body: Body::from("") }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Whole(bytes.into())
    }
}
