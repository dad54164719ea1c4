//! HTTP for all stand-ins.

mod accept;
mod client;
mod connection;
mod json_response;

pub(crate) use accept::accept;
pub(crate) use client::IDLE_TIME_MAX;
pub use client::http_client;
pub(crate) use connection::{
    BODY_BYTES_PER_SECOND, BODY_GRACE, HEAD_LIMIT, MinRateBody, serve_connection,
};
pub(crate) use json_response::{JSON, json_response};
