//! Stand-ins for the services around the two function apps, for tests and for local work.
//!
//! It imports nothing from the apps, not even the protocol types: a misreading of the Functions
//! host's contract must not be made twice.

// Services of Azure.
pub mod api_management;
pub mod app_insights;
pub mod functions_host;
pub mod key_vault;

// The database: a real mongod, and faults on the connection to it.
pub mod mongo;

// What the tests of one app need.
pub mod audit_api;
mod eventually;
pub mod executable;
pub mod function_files;
pub mod openapi;
pub mod package;
pub mod setting_list;
pub mod test_app;

// Shared parts.
pub mod fault;
mod http;
pub mod process;
mod trace;

pub use eventually::eventually;
pub use http::http_client;
