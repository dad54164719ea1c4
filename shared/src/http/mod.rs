//! Plain requests and responses, as functions see them.
//!
//! No function knows that it runs in Azure: the host's envelope is unpacked in
//! `custom_handler` and packed again there.

mod caller;
mod headers;
mod problem;
mod request;
mod response;

pub use caller::Caller;
pub use headers::{Header, Headers};
pub use request::{IdempotencyKey, Request};
pub use response::Response;

pub(crate) use problem::problem;
pub(crate) use request::IDEMPOTENCY_KEY_CHARS_MAX;

#[cfg(test)]
pub(crate) use request::tests::request as test_request;
