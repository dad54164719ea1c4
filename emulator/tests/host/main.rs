//! The Functions host as handlers and callers see it, row by row of section 6 of the contract.
//!
//! Not covered: row 8's body with a length, because the stand-in always posts in chunks, as in
//! Azure; row 26's headers, which the real host sends before the connection breaks; the rest of
//! row 30's `Url`, which the real host encodes anew; row 38, because retry policies are not
//! emulated. Row 1 stands in `start_and_stop`, rows 4, 5, 17, 36 and 37 in `restarts`.

mod answers;
mod app;
mod keys;
mod limits;
mod payload;
mod restarts;
mod routes;
mod start_and_stop;
mod telemetry;
