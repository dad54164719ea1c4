//! The time from a handler's start to its first responses.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use super::connection::Connection;
use super::request::{EntryPoint, Request, Target};
use super::system::message;

/// The pause between two attempts to connect. Tokio's timer is too coarse, at a millisecond.
const POLL_INTERVAL: Duration = Duration::from_micros(100);

/// The limit for a start.
const START_LIMIT: Duration = Duration::from_secs(10);

/// Times since the start of the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// The response to `GET /`, the host's readiness probe.
    pub(crate) first_response: Duration,
    /// The first successful invocation, which needs the database.
    pub(crate) first_success: Duration,
}

/// The medians of this many starts, after one warm-up start.
pub(crate) async fn measure(
    executable: &Path,
    settings: &[(String, String)],
    request: impl Fn() -> Request,
    times: usize,
) -> Result<Start, String> {
    let mut starts = Vec::new();
    for _ in 0..=times {
        starts.push(once(executable, settings, &request()).await?);
    }
    let median = |time: fn(&Start) -> Duration| {
        let mut times: Vec<Duration> = starts[1..].iter().map(time).collect();
        times.sort_unstable();
        times[times.len() / 2]
    };
    Ok(Start {
        first_response: median(|start| start.first_response),
        first_success: median(|start| start.first_success),
    })
}

async fn once(
    executable: &Path,
    settings: &[(String, String)],
    request: &Request,
) -> Result<Start, String> {
    let address = free_address().map_err(message)?;
    let target = Target { entry_point: EntryPoint::Handler, address, key: String::new() };
    let probe = format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let invocation = request.to_bytes(&target);

    let started = Instant::now();
    let _process = Command::new(executable)
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .env("FUNCTIONS_CUSTOMHANDLER_PORT", address.port().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(message)?;
    let mut connection = loop {
        match Connection::open(address).await {
            Ok(connection) => break connection,
            Err(error) if started.elapsed() > START_LIMIT => return Err(message(error)),
            Err(_) => std::thread::sleep(POLL_INTERVAL),
        }
    };
    connection.exchange(probe.as_bytes()).await.map_err(message)?;
    let first_response = started.elapsed();
    let response = connection.exchange(&invocation).await.map_err(message)?;
    let first_success = started.elapsed();
    if !request.succeeded(EntryPoint::Handler, response.status, response.body) {
        return Err(format!("first request: {}", String::from_utf8_lossy(response.body)));
    }
    Ok(Start { first_response, first_success })
}

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
