//! The handler process: started, restarted and killed (`HttpFunctionInvocationDispatcher.cs`,
//! `HttpWorkerChannel.cs`).

use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::process::Child;
use tokio::sync::watch;

use super::app_folder::AppFolder;
use super::console::Console;
use super::process;

/// The number of failures, each within the window of the one before, after which the host stops.
const FAILURES_MAX: u32 = 3;

/// The time without failures after which the count restarts.
const FAILURE_WINDOW: Duration = Duration::from_secs(30 * 60);

/// The exit code that requests a restart without counting as a failure.
const EXIT_FOR_RESTART: i32 = 200;

/// The current state of the handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandlerState {
    /// Starting or restarting; invocations wait.
    Starting,
    /// Accepts invocations.
    Ready,
    /// Exited with code 0 after it was ready: it is not restarted, and invocations fail to connect.
    Gone,
    /// The host has stopped itself.
    HostStopped,
}

/// The current handler process of a host.
#[derive(Debug)]
pub(super) struct Handler {
    port: u16,
    authority: String,
    process_id: AtomicU32,
    state: watch::Sender<HandlerState>,
}

/// Why a process has ended.
enum End {
    Code(Option<i32>),
    /// It did not become ready in time.
    NotReady,
    /// It was killed because an invocation timed out or the host stops.
    Killed,
}

/// Counts the failures that stop the host.
#[derive(Default)]
struct Failures {
    count: u32,
    last: Option<Instant>,
}

impl Failures {
    fn count(&mut self) {
        let was_quiet = self.last.is_some_and(|moment| moment.elapsed() > FAILURE_WINDOW);
        self.count = if was_quiet { 1 } else { self.count + 1 };
        self.last = Some(Instant::now());
    }

    fn is_limit_reached(&self) -> bool {
        self.count >= FAILURES_MAX
    }
}

impl End {
    fn from_exit(status: std::io::Result<ExitStatus>) -> Self {
        Self::Code(status.ok().and_then(|status| status.code()))
    }
}

impl Handler {
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            authority: format!("127.0.0.1:{port}"),
            process_id: AtomicU32::new(0),
            state: watch::Sender::new(HandlerState::Starting),
        }
    }

    /// `127.0.0.1:7073`.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn process_id(&self) -> Option<u32> {
        Some(self.process_id.load(Ordering::Relaxed)).filter(|id| *id != 0)
    }

    pub(super) fn state(&self) -> HandlerState {
        *self.state.borrow()
    }

    /// Waits until the handler is no longer starting.
    pub(super) async fn settled(&self) -> HandlerState {
        self.wait_for_state(|state| state != HandlerState::Starting).await
    }

    /// Waits until the host has stopped itself.
    pub(super) async fn host_stopped(&self) {
        self.wait_for_state(|state| state == HandlerState::HostStopped).await;
    }

    /// Kills the process, as when an invocation times out; it is restarted, and this is no failure.
    pub(super) fn restart(&self) {
        self.transition(&[HandlerState::Ready], HandlerState::Starting);
    }

    /// Kills the process for good.
    pub(super) fn stop_host(&self) {
        self.state.send_replace(HandlerState::HostStopped);
    }

    /// Keeps a process running until it ends for good; dropping the future kills it.
    pub(super) async fn supervise(
        self: Arc<Self>,
        app: Arc<AppFolder>,
        environment: Vec<(String, String)>,
        console: Arc<Console>,
    ) {
        let mut failures = Failures::default();
        while self.state() == HandlerState::Starting {
            let started = process::start(&app, &environment, self.port, &console);
            let (mut child, _group) = match started {
                Ok(started) => started,
                Err(error) => {
                    // There is no retry: invocations wait, and in the end the host stops itself.
                    console.note(&format!("the handler cannot be started: {error}"));
                    return;
                }
            };
            self.process_id.store(child.id().unwrap_or(0), Ordering::Relaxed);
            let end = self.run(&mut child, app.initialization_timeout).await;
            self.process_id.store(0, Ordering::Relaxed);
            match end {
                End::Code(Some(0)) => {
                    self.transition(&[HandlerState::Ready], HandlerState::Gone);
                    return;
                }
                End::Code(Some(EXIT_FOR_RESTART)) | End::Killed => {}
                End::Code(code) => {
                    console.note(&format!("the handler ended with {code:?}"));
                    failures.count();
                }
                End::NotReady => {
                    console.note("the handler did not become ready in time");
                    failures.count();
                }
            }
            if failures.is_limit_reached() {
                console.note("the host stops because its handler does not run");
                self.stop_host();
            } else {
                self.transition(&[HandlerState::Ready], HandlerState::Starting);
            }
        }
    }

    async fn run(&self, child: &mut Child, limit: Duration) -> End {
        let failure = {
            // A process that exits with 0 before it is ready is still waited for, in vain, as in
            // the real host.
            let fails = async {
                match child.wait().await {
                    Ok(status) if status.code() == Some(0) => std::future::pending().await,
                    status => End::from_exit(status),
                }
            };
            tokio::select! {
                is_ready = process::probe(&self.authority, limit) => (!is_ready).then_some(End::NotReady),
                end = fails => return end,
                () = self.host_stopped() => Some(End::Killed),
            }
        };
        if let Some(failure) = failure {
            let _ = child.kill().await;
            return failure;
        }
        self.transition(&[HandlerState::Starting], HandlerState::Ready);
        tokio::select! {
            status = child.wait() => End::from_exit(status),
            _ = self.wait_for_state(|state| state != HandlerState::Ready) => {
                let _ = child.kill().await;
                End::Killed
            }
        }
    }

    async fn wait_for_state(&self, is_wanted: impl Fn(HandlerState) -> bool) -> HandlerState {
        let mut state = self.state.subscribe();
        match state.wait_for(|state| is_wanted(*state)).await {
            Ok(state) => *state,
            Err(_) => HandlerState::HostStopped,
        }
    }

    /// Changes the state only if it is one of `from`, so that it never moves backwards.
    fn transition(&self, from: &[HandlerState], to: HandlerState) {
        self.state.send_if_modified(|state| {
            let changes = from.contains(state);
            if changes {
                *state = to;
            }
            changes
        });
    }
}
