//! What both function apps need and neither owns: the custom-handler protocol, plain HTTP
//! requests and responses, errors as problems, validation, settings, secrets, `MongoDB` and
//! telemetry.
//!
//! No word of the domain appears here. A request comes in through [`custom_handler`], reaches
//! the app as an [`http::Request`], and leaves as an [`http::Response`]; an [`Error`] becomes
//! a response in one place.

mod deadline;
mod error;
mod http_client;
mod id;
mod json;
mod memory;
mod request_hash;
mod secret;
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
pub use timestamp::Timestamp;
pub use version::{ClientCopy, Preconditions, Version};
