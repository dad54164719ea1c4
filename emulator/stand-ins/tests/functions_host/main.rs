//! The Functions host seen from handlers and callers, against `docs/functions-host.md` and against
//! recordings of the real host.

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
