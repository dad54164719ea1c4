//! Stands in for what surrounds the two function apps, for local work and for tests.
//!
//! It imports nothing of ours, not even the protocol types: a misreading of the Functions
//! host's contract must not be made twice.

mod accept;
mod api_docs;
pub mod api_management;
pub mod app_insights;
pub mod audit_api;
mod client;
pub mod fault;
pub mod host;
mod json_answer;
pub mod key_vault;
pub mod local_stack;
pub mod mongo;
pub mod openapi;
pub mod package;
mod pages;
pub mod port;
mod talk;
pub mod test_app;
mod trace;
mod watchdog;

pub use client::http_client;
