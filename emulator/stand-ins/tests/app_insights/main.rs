//! Application Insights, seen from exporters.

mod client;
mod ingestion;
