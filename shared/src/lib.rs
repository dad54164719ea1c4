//! The code that both function apps share: the custom-handler protocol, HTTP requests and
//! responses, problems, validation, settings, secrets, `MongoDB` and telemetry.
//!
//! It knows nothing of the domain. A request arrives through [`custom_handler`], reaches the app as
//! an [`http::Request`], and leaves as an [`http::Response`]. `http::problem` alone turns an
//! [`Error`] into a response.

mod deadline;
mod error;
mod http_client;
mod id;
mod json;
mod memory;
mod request_hash;
mod secret;
mod time_key;
mod timestamp;
mod version;

pub mod backoff;
pub mod custom_handler;
pub mod function;
pub mod health;
pub mod http;
pub mod mongo;
pub mod openapi;
pub mod page;
pub mod retry;
pub mod secrets;
pub mod setting;
pub mod settings;
pub mod telemetry;
pub mod validation;

pub use deadline::Deadline;
pub use error::{Error, FieldError, Result};
pub use http_client::HttpClient;
pub use id::Id;
pub use json::{Body, Json};
pub use request_hash::RequestHash;
pub use time_key::TimeKey;
pub use timestamp::Timestamp;
pub use version::{ClientCopy, Preconditions, Version};
