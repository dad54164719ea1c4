//! HTTP as all stand-ins speak it.

mod accept;
mod client;
mod json_answer;
mod talk;

pub(crate) use accept::accept;
pub(crate) use client::IDLE_TIME_MAX;
pub use client::http_client;
pub(crate) use json_answer::{JSON, json_answer};
pub(crate) use talk::{BODY_BYTES_PER_SECOND, BODY_GRACE, HEAD_LIMIT, TimedBody, talk};
