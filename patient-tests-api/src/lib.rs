//! The Patient Tests API: patients and the results of their medical tests.
//!
//! No data is written or returned without a record in the audit register; see [`audit`]. A *medical
//! test* is called `test` on the wire; in code that word already has another meaning.

mod access_log;
mod app;
mod audit;
mod functions;
mod ids;
mod medical_test;
#[cfg(doctest)]
mod no_way_past_the_register;
mod patient;
mod purpose;
mod reconciliation;
mod settings;

pub mod openapi;
mod versioned;

pub use app::{App, STORAGE};
pub use functions::print as print_functions;
pub use settings::{Settings, print as print_settings};
