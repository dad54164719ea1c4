//! Ports, found taken before anything is started.

use std::net::{Ipv4Addr, TcpListener};

use super::LocalStackError;
use crate::port;

/// The wanted port if nothing listens there, else any that is free.
pub(super) fn free(
    part: &'static str,
    wanted: Option<u16>,
    option: &'static str,
) -> Result<u16, LocalStackError> {
    let Some(wanted) = wanted else {
        return port::free().map_err(LocalStackError::NoPort);
    };
    match TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)) {
        Ok(_) => Ok(wanted),
        Err(_) => Err(LocalStackError::PortTaken { part, port: wanted, option }),
    }
}
