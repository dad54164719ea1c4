//! The Patient Tests API as its clients see it: the real executable behind a Functions host.

mod create_patient;
mod delete_patient;
mod helpers;
mod load_patient;
mod search_patient;
mod update_patient;
