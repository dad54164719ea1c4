//! The Functions host as handlers and callers see it, rule by rule of `docs/functions-host.md`, and
//! against recordings of the real one.

mod app;
mod keys;
mod limits;
mod payload;
mod recordings;
mod responses;
mod restarts;
mod routes;
mod start_and_stop;
mod telemetry;
mod timers;
