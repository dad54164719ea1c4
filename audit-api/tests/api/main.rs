//! The Audit API as its clients see it: the real executable behind a Functions host.

mod create_audit_record;
mod create_audit_records;
mod faults;
mod function_table;
mod health;
mod helpers;
mod load_audit_record;
mod openapi;
mod search_audit_records;
mod settings;
mod start_up;
