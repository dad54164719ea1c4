//! The custom-handler protocol of the Azure Functions host.
//!
//! The host posts one invocation payload per request to `/{FunctionName}` on loopback and turns
//! our envelope into the HTTP answer (`docs/functions-host.md`; `DefaultHttpWorkerService.cs`,
//! `HttpScriptInvocationResult.cs`). Only [`invocation`] knows the envelope.

mod invocation;
#[cfg(test)]
mod recordings;
mod server;
mod shutdown;

pub use server::{FunctionApp, listen, serve};
pub use shutdown::shutdown_signal;
