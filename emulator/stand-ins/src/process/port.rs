//! Ports for processes that are told their port and open it themselves.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

/// Below the ports that the system gives to connections and to whoever listens on any port (from
/// 32768 on Linux, 49152 elsewhere), so that nothing takes one of these before its process does,
/// nor while that is started again. Above the usual ports of databases, below MongoDB's.
const PORTS: Range<u16> = 12_000..27_000;

/// One in twenty taken would be many; then this fails once in 20^8 times.
const ATTEMPTS_MAX: usize = 8;

/// A port of 127.0.0.1 that is free now and that the system gives to nobody by itself.
///
/// # Errors
/// If none of several can be opened.
pub fn free() -> io::Result<u16> {
    let mut attempts = 1;
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, fastrand::u16(PORTS))) {
            Err(_) if attempts < ATTEMPTS_MAX => attempts += 1,
            opened => return Ok(opened?.local_addr()?.port()),
        }
    }
}
