//! Ports, found taken before anything is started.

use std::net::{Ipv4Addr, TcpListener};

use super::LocalStackError;

/// The wanted port if nothing listens there, else any that is free.
pub(super) fn free(
    part: &'static str,
    wanted: Option<u16>,
    option: &'static str,
) -> Result<u16, LocalStackError> {
    let port = wanted.unwrap_or(0);
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|_| LocalStackError::PortTaken { part, port, option })
}
