//! The custom-handler protocol of the Azure Functions host.
//!
//! The host posts one invocation payload per request, or per time on a schedule, to
//! `/{FunctionName}` on loopback and turns our envelope into the HTTP response
//! (`docs/functions-host.md`; `DefaultHttpWorkerService.cs`, `HttpScriptInvocationResult.cs`). Only
//! [`invocation`] knows the envelope.

mod invocation;
#[cfg(test)]
mod recordings;
mod server;
mod shutdown;
mod timer;

pub use server::{FunctionApp, listen, serve};
pub use shutdown::shutdown_signal;
pub use timer::TimerRun;
