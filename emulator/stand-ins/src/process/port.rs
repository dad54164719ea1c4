//! Free ports for child processes that open their port themselves.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

use tokio::net::TcpSocket;

/// Below the ephemeral range (from 32768 on Linux, 49152 elsewhere), so that no other process is
/// given one of these ports before ours opens it, or while ours restarts. Above the usual ports of
/// databases, below MongoDB's.
const PORTS: Range<u16> = 12_000..27_000;

/// Even if one port in twenty is taken, all attempts fail only once in 20^8 times.
const ATTEMPTS_MAX: usize = 8;

/// Whether a port of 127.0.0.1 is free.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Keeps a port of 127.0.0.1 from other processes while its own is down, if it is free.
/// Connections to it are refused, since nothing listens.
pub(crate) fn reserve(port: u16) -> Option<TcpSocket> {
    let socket = TcpSocket::new_v4().ok()?;
    // Connections of the process that used it may still be closing.
    socket.set_reuseaddr(true).ok()?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into()).ok()?;
    Some(socket)
}

/// A free port of 127.0.0.1 that the system does not assign to other processes.
///
/// # Errors
/// If no attempt finds a free port.
pub fn free() -> io::Result<u16> {
    let mut attempts = 1;
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, fastrand::u16(PORTS))) {
            Err(_) if attempts < ATTEMPTS_MAX => attempts += 1,
            opened => return Ok(opened?.local_addr()?.port()),
        }
    }
}
