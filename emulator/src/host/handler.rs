//! The handler process: started, probed, restarted and killed as the host does it
//! (`HttpFunctionInvocationDispatcher.cs`, `HttpWorkerChannel.cs`, `WorkerProcess.cs`).

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, watch};

use super::app_folder::AppFolder;
use super::console::{Console, Stream};

/// Between two probes.
const PROBE_INTERVAL: Duration = Duration::from_millis(25);

/// Counted failures, each within the window of the one before, after which the host stops.
const FAILURES_MAX: u32 = 3;

/// After this much quiet time failures count anew.
const FAILURE_WINDOW: Duration = Duration::from_secs(30 * 60);

/// The exit code that asks for a restart without being counted as a failure.
const EXIT_FOR_RESTART: i32 = 200;

/// What the host makes of its handler at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandlerState {
    /// Not ready yet, or about to be started again: invocations wait.
    Starting,
    /// Takes invocations.
    Ready,
    /// Ended with code 0: it is not started again, and invocations fail to connect.
    Gone,
    /// The host gave up on it and stopped itself.
    HostStopped,
}

/// The handler process of a host, whichever it is at the moment.
#[derive(Debug)]
pub(super) struct Handler {
    port: u16,
    process_id: AtomicU32,
    state: watch::Sender<HandlerState>,
    kill: Notify,
}

/// How a process ended.
enum End {
    Code(Option<i32>),
    /// It did not become ready in time.
    NotReady,
    /// An invocation took too long, and the process was killed for it.
    Killed,
}

impl Handler {
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            process_id: AtomicU32::new(0),
            state: watch::Sender::new(HandlerState::Starting),
            kill: Notify::new(),
        }
    }

    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn process_id(&self) -> Option<u32> {
        Some(self.process_id.load(Ordering::Relaxed)).filter(|id| *id != 0)
    }

    pub(super) fn state(&self) -> HandlerState {
        *self.state.borrow()
    }

    /// Waits until the handler no longer is starting.
    pub(super) async fn settled(&self) -> HandlerState {
        let mut state = self.state.subscribe();
        match state.wait_for(|state| *state != HandlerState::Starting).await {
            Ok(state) => *state,
            Err(_) => HandlerState::HostStopped,
        }
    }

    /// Kills the process because an invocation took too long; it is started again.
    pub(super) fn kill(&self) {
        self.state.send_replace(HandlerState::Starting);
        self.kill.notify_one();
    }

    /// Keeps a process running until it ends for good; dropping this kills it.
    pub(super) async fn supervise(
        self: Arc<Self>,
        app: Arc<AppFolder>,
        environment: Vec<(String, String)>,
        console: Arc<Console>,
    ) {
        let mut failures = 0;
        let mut last_failure: Option<Instant> = None;
        loop {
            self.state.send_replace(HandlerState::Starting);
            let mut child = match self.spawn(&app, &environment, &console) {
                Ok(child) => child,
                Err(error) => {
                    // The real host does not try again either; invocations wait in vain.
                    console.note(&format!("the handler cannot be started: {error}"));
                    tokio::time::sleep(4 * app.initialization_timeout).await;
                    break;
                }
            };
            let end = self.run(&mut child, app.initialization_timeout).await;
            self.process_id.store(0, Ordering::Relaxed);
            match end {
                End::Code(Some(0)) => {
                    self.state.send_replace(HandlerState::Gone);
                    return;
                }
                End::Code(Some(EXIT_FOR_RESTART)) | End::Killed => continue,
                End::Code(code) => console.note(&format!("the handler ended with {code:?}")),
                End::NotReady => console.note("the handler did not become ready in time"),
            }
            let quiet = last_failure.is_some_and(|moment| moment.elapsed() > FAILURE_WINDOW);
            failures = if quiet { 1 } else { failures + 1 };
            last_failure = Some(Instant::now());
            if failures == FAILURES_MAX {
                break;
            }
        }
        console.note("the host stops, since its handler does not run");
        self.state.send_replace(HandlerState::HostStopped);
    }

    async fn run(&self, child: &mut Child, initialization_timeout: Duration) -> End {
        let address = self.address();
        let ready = tokio::select! {
            ready = probe(&address, initialization_timeout) => ready,
            status = child.wait() => return End::Code(status.ok().and_then(|status| status.code())),
        };
        if !ready {
            let _ = child.kill().await;
            return End::NotReady;
        }
        self.state.send_replace(HandlerState::Ready);
        tokio::select! {
            status = child.wait() => {
                self.state.send_replace(HandlerState::Starting);
                End::Code(status.ok().and_then(|status| status.code()))
            }
            () = self.kill.notified() => {
                let _ = child.kill().await;
                End::Killed
            }
        }
    }

    fn spawn(
        &self,
        app: &AppFolder,
        environment: &[(String, String)],
        console: &Arc<Console>,
    ) -> std::io::Result<Child> {
        let worker_id = uuid::Uuid::new_v4().to_string();
        let port = self.port.to_string();
        let mut child = Command::new(&app.executable)
            .args(&app.arguments)
            .current_dir(&app.working_directory)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", &port)
            .env("FUNCTIONS_HTTPWORKER_PORT", &port)
            .env("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", &worker_id)
            .env("FUNCTIONS_HTTPWORKER_ID", &worker_id)
            .env("FUNCTIONS_APP_ROOT_PATH", &app.root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        self.process_id.store(child.id().unwrap_or(0), Ordering::Relaxed);
        if let Some(output) = child.stdout.take() {
            tokio::spawn(listen(output, Stream::Output, Arc::clone(console)));
        }
        if let Some(errors) = child.stderr.take() {
            tokio::spawn(listen(errors, Stream::Error, Arc::clone(console)));
        }
        Ok(child)
    }
}

/// Asks `GET /` until there is any answer at all (`DefaultHttpWorkerService.IsWorkerReady`).
async fn probe(address: &str, budget: Duration) -> bool {
    let client = crate::http_client();
    let tries = budget.as_millis() / PROBE_INTERVAL.as_millis();
    for _ in 0..tries {
        match client.get(address).send().await {
            Ok(_) => return true,
            Err(error) if error.is_connect() => tokio::time::sleep(PROBE_INTERVAL).await,
            // Garbage is an answer as well.
            Err(_) => return true,
        }
    }
    false
}

async fn listen(output: impl AsyncRead + Unpin, stream: Stream, console: Arc<Console>) {
    let mut lines = BufReader::new(output).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        console.line(stream, String::from_utf8_lossy(&line).trim_end().to_owned());
    }
}
