//! The whole system: both packaged apps behind their hosts, the gateway, and a real mongod.

#[path = "../app_insights/browser.rs"]
mod browser;
mod browser_cache;
mod docs;
mod faults;
mod functions;
mod gateway;
mod host_json;
mod packages;
mod rotation;
mod scripts_server;
mod stack;
mod telemetry;
mod timers;
