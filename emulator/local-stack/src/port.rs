//! Ports, found taken before anything is started.

use std::net::{Ipv4Addr, TcpListener};

use stand_ins::process::port;

use super::LocalStackError;

/// The wanted port if nothing listens there; without one, or with 0, any that is free.
pub(super) fn free(
    part: &'static str,
    wanted: Option<u16>,
    option: &'static str,
) -> Result<u16, LocalStackError> {
    let Some(wanted) = wanted.filter(|port| *port != 0) else {
        return port::free().map_err(LocalStackError::NoPort);
    };
    match TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)) {
        Ok(_) => Ok(wanted),
        Err(_) => Err(LocalStackError::PortTaken { part, port: wanted, option }),
    }
}
