//! The Functions host as handlers and callers see it, row by row of section 6 of the contract.
//!
//! Not covered, because the stand-in does otherwise: a payload with a length (row 8; it posts in
//! chunks, as in Azure), the letter case of header names that Kestrel does not know (row 10; hyper
//! does not keep it), headers before the connection breaks (row 26), retry policies (row 38).

mod answers;
mod app;
mod keys;
mod limits;
mod payload;
mod restarts;
mod routes;
mod start_and_stop;
mod telemetry;
