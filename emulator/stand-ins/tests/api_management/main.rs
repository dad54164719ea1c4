//! API Management with the deployed policies, seen from callers and from the backend.

mod backend;
mod contract;
mod failures;
mod forwarding;
mod host_key;
mod issuer;
mod limits;
mod stack;
mod start;
mod token;
