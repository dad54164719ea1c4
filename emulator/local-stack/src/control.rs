//! How `scripts/rotate-key` and tests reach a running stack: a socket in the state folder, for its
//! owner.
//!
//! The client sends one line: the name of a secret to rotate; `timer` and the name of a function
//! that a timer runs; or `fault begin` or `fault end` and the name of a fault. The stack answers
//! with lines of progress and, as the last one, `done` or why not.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::faults::{Fault, FaultError, Faults};
use super::secrets::{HostKeyRings, Rotation, Secrets};
use stand_ins::functions_host::{TimerError, Timers};

const SOCKET: &str = "control.sock";

/// How much a client may say, and how long it may take: one at a time is answered.
const REQUEST_BYTES_MAX: u64 = 160;
const REQUEST_LIMIT: Duration = Duration::from_secs(5);

const DONE: &str = "done";

/// What comes before the name of a function that is to run now.
const TIMER: &str = "timer ";

/// What comes before the name of a fault.
const FAULT_BEGIN: &str = "fault begin ";
const FAULT_END: &str = "fault end ";

/// What clients can act on.
pub(super) struct Controlled {
    pub(super) secrets: Arc<Secrets>,
    pub(super) hosts: Arc<HostKeyRings>,
    pub(super) timers: Vec<Timers>,
    /// None if nobody may make any.
    pub(super) faults: Option<Faults>,
}

/// The listening side; its end is the end of what it does.
#[derive(Debug)]
pub(super) struct Control {
    socket: PathBuf,
    serving: JoinHandle<()>,
}

impl Control {
    pub(super) fn start(state: &Path, controlled: Controlled) -> io::Result<Self> {
        let socket = state.join(SOCKET);
        match fs::remove_file(&socket) {
            // Left behind by a stack that was killed.
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = UnixListener::bind(&socket)?;
        fs::set_permissions(&socket, Permissions::from_mode(0o600))?;
        let serving = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                // A client that goes away misses only the words; the rotation goes on.
                let _ = respond(connection, &controlled).await;
            }
        });
        Ok(Self { socket, serving })
    }

    /// Ends what it does, and lets go of what it controls.
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

async fn respond(connection: UnixStream, controlled: &Controlled) -> io::Result<()> {
    let (reader, mut writer) = connection.into_split();
    let request = requested(reader).await?;
    let outcome = if let Some(function) = request.strip_prefix(TIMER) {
        run(&controlled.timers, function).await.map_err(|error| error.to_string())
    } else if let Some(name) = request.strip_prefix(FAULT_BEGIN) {
        controlled.fault(name, async |faults, fault| faults.begin(fault).await).await
    } else if let Some(name) = request.strip_prefix(FAULT_END) {
        controlled.fault(name, async |faults, fault| faults.end(fault).await).await
    } else if let Some(rotation) = Rotation::parse(&request) {
        return rotate_and_tell(controlled, rotation, writer).await;
    } else {
        Err("there is no such secret".to_owned())
    };
    let outcome = outcome.map_or_else(|problem| problem, |()| DONE.to_owned());
    writer.write_all(format!("{outcome}\n").as_bytes()).await
}

impl Controlled {
    async fn fault(
        &self,
        name: &str,
        change: impl AsyncFnOnce(&Faults, Fault) -> Result<(), FaultError>,
    ) -> Result<(), String> {
        let fault = Fault::parse(name).ok_or("there is no such fault")?;
        let faults = self.faults.as_ref().ok_or(FaultError::NotAllowed);
        let changed = match faults {
            Ok(faults) => change(faults, fault).await,
            Err(error) => Err(error),
        };
        changed.map_err(|error| error.to_string())
    }
}

async fn rotate_and_tell(
    controlled: &Controlled,
    rotation: Rotation,
    mut writer: OwnedWriteHalf,
) -> io::Result<()> {
    let Controlled { secrets, hosts, .. } = controlled;
    let (progress, mut lines) = mpsc::unbounded_channel::<String>();
    let rotating = async {
        let mut say = |line: &str| drop(progress.send(line.to_owned()));
        let outcome = secrets.rotate(rotation, hosts, &mut say).await;
        let _ = progress.send(outcome.map_or_else(|error| error.to_string(), |()| DONE.to_owned()));
        drop(progress);
    };
    let telling = async {
        while let Some(line) = lines.recv().await {
            if writer.write_all(format!("{line}\n").as_bytes()).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(rotating, telling);
    Ok(())
}

/// Runs a function of whichever app has it.
async fn run(timers: &[Timers], function: &str) -> Result<(), TimerError> {
    for timers in timers {
        match timers.run(function).await {
            Err(TimerError::Unknown) => {}
            outcome => return outcome,
        }
    }
    Err(TimerError::Unknown)
}

/// What a client asks for, if it says so in time.
async fn requested(reader: impl AsyncRead + Unpin) -> io::Result<String> {
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(REQUEST_BYTES_MAX));
    timeout(REQUEST_LIMIT, reader.read_line(&mut line)).await??;
    Ok(line.trim().to_owned())
}

/// Asks the stack that keeps its state in this folder for a rotation, and passes on what it says.
///
/// # Errors
/// Says, for the developer, why the secret was not rotated.
pub async fn rotate(
    state: &Path,
    rotation: Rotation,
    progress: impl FnMut(&str),
) -> Result<(), String> {
    ask(state, &rotation.to_string(), progress).await
}

/// Asks the stack that keeps its state in this folder to run a function now that a timer runs, and
/// waits for its end.
///
/// # Errors
/// Says why there was no run, or that it failed.
pub async fn run_timer(state: &Path, function: &str) -> Result<(), String> {
    ask(state, &format!("{TIMER}{function}"), |_| {}).await
}

/// Asks the stack that keeps its state in this folder to begin a fault.
///
/// # Errors
/// Says why it did not.
pub async fn begin_fault(state: &Path, fault: Fault) -> Result<(), String> {
    ask(state, &format!("{FAULT_BEGIN}{}", fault.name()), |_| {}).await
}

/// Asks it to end a fault.
///
/// # Errors
/// Says why it did not.
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
    let broken = |_| "the stack has ended before it was done".to_owned();
    writer.write_all(format!("{request}\n").as_bytes()).await.map_err(broken)?;
    let mut lines = BufReader::new(reader).lines();
    let mut last: Option<String> = None;
    while let Some(line) = lines.next_line().await.map_err(broken)? {
        if let Some(line) = last.replace(line) {
            progress(&line);
        }
    }
    match last.as_deref() {
        Some(DONE) => Ok(()),
        Some(problem) => Err(problem.to_owned()),
        None => Err("the stack has ended before it was done".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_nothing_or_without_end_is_not_waited_for() {
        let (_silent, reader) = duplex(16);
        let begun = Instant::now();
        let problem = requested(reader).await.expect_err("it takes too long");
        assert_eq!((problem.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, REQUEST_LIMIT));

        let (mut endless, reader) = duplex(1 << 16);
        endless.write_all(&[b'x'; 1 << 16]).await.expect("it is open");
        assert_eq!(requested(reader).await.expect("it is text").len(), 160);
    }
}
