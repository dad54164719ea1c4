//! The control socket of a running stack, for `scripts/rotate-key` and tests. It is in the state
//! folder and accessible to its owner only.
//!
//! The client sends one line: the name of a secret to rotate; `timer` and the name of a timer
//! function; or `fault begin` or `fault end` and the name of a fault. The stack responds with lines
//! of progress and, as the last one, `done` or an error message.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use stand_ins::functions_host::{TimerError, Timers};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::faults::{Fault, FaultError, Faults};
use super::secrets::{HostKeyRings, Rotation, Secrets};
use super::state_folder;

const SOCKET: &str = "control.sock";

/// The largest request, and the time for it: clients are served one at a time.
const REQUEST_BYTES_MAX: u64 = 160;
const REQUEST_LIMIT: Duration = Duration::from_secs(5);

const DONE: &str = "done";

/// The prefix for running a timer function.
const TIMER: &str = "timer ";

/// The prefixes for faults.
const FAULT_BEGIN: &str = "fault begin ";
const FAULT_END: &str = "fault end ";

/// The parts that clients can control.
pub(super) struct ControlTargets {
    pub(super) secrets: Arc<Secrets>,
    pub(super) hosts: Arc<HostKeyRings>,
    pub(super) timers: Vec<Timers>,
    /// `None` if faults are not allowed.
    pub(super) faults: Option<Faults>,
}

/// The server side; dropping it aborts the running request.
#[derive(Debug)]
pub(super) struct Control {
    socket: PathBuf,
    serving: JoinHandle<()>,
}

impl Control {
    pub(super) fn start(state: &Path, targets: ControlTargets) -> io::Result<Self> {
        let socket = state.join(SOCKET);
        state_folder::remove_stale(&socket)?;
        let listener = UnixListener::bind(&socket)?;
        fs::set_permissions(&socket, Permissions::from_mode(0o600))?;
        let serving = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                // If a client disconnects, it misses only the progress; the rotation continues.
                let _ = respond(connection, &targets).await;
            }
        });
        Ok(Self { socket, serving })
    }

    /// Aborts the running request and releases the controlled parts.
    pub(super) async fn stop(mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.serving.abort();
        let _ = fs::remove_file(&self.socket);
    }
}

async fn respond(connection: UnixStream, targets: &ControlTargets) -> io::Result<()> {
    let (reader, mut writer) = connection.into_split();
    let request = read_request(reader).await?;
    let outcome = if let Some(function) = request.strip_prefix(TIMER) {
        run(&targets.timers, function).await.map_err(|error| error.to_string())
    } else if let Some(name) = request.strip_prefix(FAULT_BEGIN) {
        targets.begin_fault(name).await.map_err(|error| error.to_string())
    } else if let Some(name) = request.strip_prefix(FAULT_END) {
        targets.end_fault(name).await.map_err(|error| error.to_string())
    } else if let Some(rotation) = Rotation::parse(&request) {
        return rotate_with_progress(targets, rotation, writer).await;
    } else {
        Err("there is no such secret".to_owned())
    };
    let outcome = outcome.map_or_else(|message| message, |()| DONE.to_owned());
    writer.write_all(format!("{outcome}\n").as_bytes()).await
}

impl ControlTargets {
    async fn begin_fault(&self, name: &str) -> Result<(), FaultError> {
        let (faults, fault) = self.fault(name)?;
        faults.begin(fault).await
    }

    async fn end_fault(&self, name: &str) -> Result<(), FaultError> {
        let (faults, fault) = self.fault(name)?;
        faults.end(fault).await
    }

    fn fault(&self, name: &str) -> Result<(&Faults, Fault), FaultError> {
        let fault = Fault::parse(name).ok_or(FaultError::Unknown)?;
        Ok((self.faults.as_ref().ok_or(FaultError::NotAllowed)?, fault))
    }
}

async fn rotate_with_progress(
    targets: &ControlTargets,
    rotation: Rotation,
    mut writer: OwnedWriteHalf,
) -> io::Result<()> {
    let ControlTargets { secrets, hosts, .. } = targets;
    let (progress, mut lines) = mpsc::unbounded_channel::<String>();
    let rotating = async {
        let mut report = |line: &str| drop(progress.send(line.to_owned()));
        let outcome = secrets.rotate(rotation, hosts, &mut report).await;
        let _ = progress.send(outcome.map_or_else(|error| error.to_string(), |()| DONE.to_owned()));
        drop(progress);
    };
    let writing = async {
        while let Some(line) = lines.recv().await {
            if writer.write_all(format!("{line}\n").as_bytes()).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(rotating, writing);
    Ok(())
}

/// Runs a timer function of the app that has it.
async fn run(timers: &[Timers], function: &str) -> Result<(), TimerError> {
    for timers in timers {
        match timers.run(function).await {
            Err(TimerError::Unknown) => {}
            outcome => return outcome,
        }
    }
    Err(TimerError::Unknown)
}

/// Reads a client's request, within the limits.
async fn read_request(reader: impl AsyncRead + Unpin) -> io::Result<String> {
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(REQUEST_BYTES_MAX));
    timeout(REQUEST_LIMIT, reader.read_line(&mut line)).await??;
    Ok(line.trim().to_owned())
}

/// Requests a rotation from the stack with this state folder, and reports its progress.
///
/// # Errors
/// Why the secret was not rotated, as a message for the developer.
pub async fn rotate(
    state: &Path,
    rotation: Rotation,
    progress: impl FnMut(&str),
) -> Result<(), String> {
    ask(state, &rotation.to_string(), progress).await
}

/// Runs a timer function of the stack with this state folder, and waits for its end.
///
/// # Errors
/// Why there was no run, or that it failed.
pub async fn run_timer(state: &Path, function: &str) -> Result<(), String> {
    ask(state, &format!("{TIMER}{function}"), |_| {}).await
}

/// Begins a fault in the stack with this state folder.
///
/// # Errors
/// Why the fault was not changed.
pub async fn begin_fault(state: &Path, fault: Fault) -> Result<(), String> {
    ask(state, &format!("{FAULT_BEGIN}{}", fault.name()), |_| {}).await
}

/// Ends a fault in the stack with this state folder.
///
/// # Errors
/// Why the fault was not changed.
pub async fn end_fault(state: &Path, fault: Fault) -> Result<(), String> {
    ask(state, &format!("{FAULT_END}{}", fault.name()), |_| {}).await
}

async fn ask(state: &Path, request: &str, mut progress: impl FnMut(&str)) -> Result<(), String> {
    let connection = UnixStream::connect(state.join(SOCKET)).await;
    let connection =
        connection.map_err(|_| {
            let state = state.display();
            format!("no stack with its state in {state} runs; start it with scripts/server, or name another folder with --state")
        })?;
    let (reader, mut writer) = connection.into_split();
    let ended = |_| "the stack has ended before it was done".to_owned();
    writer.write_all(format!("{request}\n").as_bytes()).await.map_err(ended)?;
    let mut lines = BufReader::new(reader).lines();
    let mut last: Option<String> = None;
    while let Some(line) = lines.next_line().await.map_err(ended)? {
        if let Some(line) = last.replace(line) {
            progress(&line);
        }
    }
    match last.as_deref() {
        Some(DONE) => Ok(()),
        Some(message) => Err(message.to_owned()),
        None => Err("the stack has ended before it was done".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silent_and_endless_clients_are_cut_off() {
        let (_silent, reader) = duplex(16);
        let start = Instant::now();
        let message = read_request(reader).await.expect_err("it takes too long");
        assert_eq!((message.kind(), start.elapsed()), (io::ErrorKind::TimedOut, REQUEST_LIMIT));

        let (mut endless, reader) = duplex(1 << 16);
        endless.write_all(&[b'x'; 1 << 16]).await.expect("it is open");
        assert_eq!(read_request(reader).await.expect("it is text").len(), 160);
    }
}
