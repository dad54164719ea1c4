//! Stands in for what surrounds the two function apps, for tests and for local work.
//!
//! It imports nothing of the apps, not even the protocol types: a misreading of the Functions
//! host's contract must not be made twice.

// Services of Azure.
pub mod api_management;
pub mod app_insights;
pub mod functions_host;
pub mod key_vault;

// The database: a real mongod, and what can go wrong on the way to it.
pub mod mongo;

// The neighbours of an app under test.
pub mod audit_api;
pub mod openapi;
pub mod package;
pub mod setting_list;
pub mod test_app;

// Common ground.
pub mod fault;
mod http;
pub mod process;
mod trace;

pub use http::http_client;
