//! Child processes of tests and of the local stack.

pub mod port;
mod stop_signals;
mod watchdog;

pub use stop_signals::StopSignals;
pub use watchdog::{Group, Watched};
