//! The Audit API: keeps a register of every interaction with patient data.
//!
//! Other systems send `CreateAuditRecord` what is about to happen, or what just happened, and may go
//! on once it has answered 201. `Health` says whether it would.

mod app;
mod audit_record;
mod functions;
mod settings;

pub mod openapi;

pub use app::{App, STORAGE};
pub use functions::print as print_functions;
pub use settings::{Settings, print as print_settings};
