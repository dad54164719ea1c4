//! The Patient Tests API as its clients see it: the real executable behind a Functions host.

mod create_patient;
mod helpers;
