//! API Management with the deployed policies, as callers see it, and as the Functions host behind
//! it does.

mod backend;
mod contract;
mod failures;
mod forwarding;
mod host_key;
mod limits;
mod stack;
mod start;
mod token;
