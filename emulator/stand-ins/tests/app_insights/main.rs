//! Application Insights as exporters see it.

mod client;
mod ingestion;
