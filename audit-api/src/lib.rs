//! The Audit API: keeps a register of every interaction with patient data.
//!
//! Other systems call `CreateAuditRecord` before or after an interaction and continue once it has
//! returned 201. `Health` reports whether it would.

mod app;
mod audit_record;
mod functions;
mod settings;

pub mod openapi;

pub use app::{App, STORAGE};
pub use functions::print as print_functions;
pub use settings::{Settings, print as print_settings};
