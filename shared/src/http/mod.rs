//! Plain requests and responses, without the host's envelope.
//!
//! No function depends on Azure: `custom_handler` parses the host's envelope and writes it.

mod caller;
mod headers;
mod problem;
mod request;
mod response;

pub use caller::Caller;
pub use headers::{Header, Headers};
pub use problem::problem_body;
pub use request::{IdempotencyKey, Request};
pub use response::Response;

pub(crate) use problem::problem;
pub(crate) use request::PURPOSE_PATTERN;

#[cfg(test)]
pub(crate) use request::tests::request as test_request;
