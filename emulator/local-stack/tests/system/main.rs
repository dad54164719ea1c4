//! The whole system: both packaged apps behind their hosts, the gateway, and a real mongod.

mod access_log_page;
mod browser;
mod browser_cache;
mod docs;
mod faults;
mod faults_on_demand;
mod functions;
mod gateway;
mod host_json;
#[path = "../../../stand-ins/tests/api_management/issuer.rs"]
mod issuer;
mod load;
mod packages;
mod pages;
mod products;
mod ready_file;
mod rotation;
#[path = "../../../../patient-tests-api/tests/api/scoped_functions.rs"]
mod scoped_functions;
mod scripts_server;
mod stack;
mod telemetry;
#[path = "../../../stand-ins/tests/app_insights/client.rs"]
mod telemetry_client;
mod telemetry_page;
mod timers;
