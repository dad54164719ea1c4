//! The Patient Tests API as its clients see it: the real executable behind a Functions host.

mod audit_faults;
mod bad_input;
mod bad_input_properties;
mod concurrency;
mod create_patient;
mod create_test;
mod database_crash;
mod database_faults;
mod deadline;
mod delete_patient;
mod delete_test;
mod every_function;
mod function_table;
mod helpers;
mod load_patient;
mod load_test;
mod logs;
mod openapi;
mod scaffold_documents;
mod search_patient;
mod secret_canaries;
mod secrets;
mod start_up;
mod telemetry;
mod update_patient;
mod update_test;
