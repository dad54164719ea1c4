//! The whole system: both packaged apps behind their hosts, the gateway, and a real mongod.

mod faults;
mod functions;
mod rotation;
mod scripts_server;
mod stack;
mod telemetry;
