//! Free ports for child processes that open their port themselves.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpSocket;

/// Below the ephemeral range (from 32768 on Linux, 49152 elsewhere), so that no other process is
/// given one of these ports before ours opens it, or while ours restarts. Above the usual ports of
/// databases, below MongoDB's.
const PORTS: Range<u16> = 12_000..27_000;

/// Even if one port in twenty is taken, all attempts fail only once in 20^8 times.
const ATTEMPTS_MAX: usize = 8;

/// How many ports this process has tried. Each is tried once, so that parallel tests are never given
/// the same one: seconds may pass before a port is opened.
static TRIED: AtomicUsize = AtomicUsize::new(0);

/// Where this process starts to try, so that parallel processes rarely meet.
static FIRST: LazyLock<usize> = LazyLock::new(|| fastrand::usize(..PORTS.len()));

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

/// A free port of 127.0.0.1 that the system does not assign to other processes, and this process to
/// nothing else.
///
/// # Errors
/// If no attempt finds a free port.
pub fn free() -> io::Result<u16> {
    let mut attempts = 1;
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, next())) {
            Err(_) if attempts < ATTEMPTS_MAX => attempts += 1,
            opened => return Ok(opened?.local_addr()?.port()),
        }
    }
}

/// The port to try next, after the last of `PORTS` the first.
fn next() -> u16 {
    let tried = TRIED.fetch_add(1, Ordering::Relaxed);
    let offset = (*FIRST + tried) % PORTS.len();
    PORTS.start + u16::try_from(offset).expect("the range ends below 65,536")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::free;

    #[test]
    fn no_port_is_given_twice() {
        let threads: Vec<_> = (0..8)
            .map(|_| std::thread::spawn(|| (0..50).map(|_| free().unwrap()).collect::<Vec<_>>()))
            .collect();
        let ports: Vec<_> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
        assert_eq!(ports.iter().collect::<HashSet<_>>().len(), 400);
    }
}
