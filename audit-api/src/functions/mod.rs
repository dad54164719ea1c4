//! The functions, one module each.

pub(crate) mod create_audit_record;
pub(crate) mod health;
