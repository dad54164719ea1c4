//! Application Insights as exporters see it, and its page as people do.

mod browser;
mod client;
mod ingestion;
mod page;
