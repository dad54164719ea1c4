//! The handler as the host sees it: started, restarted and killed
//! (`HttpFunctionInvocationDispatcher.cs`, `HttpWorkerChannel.cs`).

use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::process::Child;
use tokio::sync::watch;

use super::app_folder::AppFolder;
use super::console::Console;
use super::process;

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
    /// Ended with code 0 once ready: it is not started again, and invocations fail to connect.
    Gone,
    /// The host gave up on it and stopped itself.
    HostStopped,
}

/// The handler process of a host, whichever it is at the moment.
#[derive(Debug)]
pub(super) struct Handler {
    port: u16,
    authority: String,
    process_id: AtomicU32,
    state: watch::Sender<HandlerState>,
}

/// How a process ended.
enum End {
    Code(Option<i32>),
    /// It did not become ready in time.
    NotReady,
    /// It was killed, because an invocation took too long or the host stops.
    Killed,
}

/// Failures that count towards the end of the host.
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

    fn are_too_many(&self) -> bool {
        self.count >= FAILURES_MAX
    }
}

impl End {
    fn of(status: std::io::Result<ExitStatus>) -> Self {
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

    /// Waits until the handler no longer is starting.
    pub(super) async fn settled(&self) -> HandlerState {
        self.reaches(|state| state != HandlerState::Starting).await
    }

    /// Waits until the host has stopped itself.
    pub(super) async fn host_stopped(&self) {
        self.reaches(|state| state == HandlerState::HostStopped).await;
    }

    /// Kills the process because an invocation took too long; it is started again.
    pub(super) fn restart(&self) {
        self.change(&[HandlerState::Ready], HandlerState::Starting);
    }

    /// Kills the process for good.
    pub(super) fn stop_host(&self) {
        self.state.send_replace(HandlerState::HostStopped);
    }

    /// Keeps a process running until it ends for good; dropping this kills it.
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
                    // Nobody tries again; invocations wait, and in the end the host stops itself.
                    console.note(&format!("the handler cannot be started: {error}"));
                    return;
                }
            };
            self.process_id.store(child.id().unwrap_or(0), Ordering::Relaxed);
            let end = self.run(&mut child, app.initialization_timeout).await;
            self.process_id.store(0, Ordering::Relaxed);
            match end {
                End::Code(Some(0)) => {
                    self.change(&[HandlerState::Ready], HandlerState::Gone);
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
            if failures.are_too_many() {
                console.note("the host stops, since its handler does not run");
                self.stop_host();
            } else {
                self.change(&[HandlerState::Ready], HandlerState::Starting);
            }
        }
    }

    async fn run(&self, child: &mut Child, budget: Duration) -> End {
        let failure = {
            // One that ends well before it is ready is still waited for, in vain.
            let ends_badly = async {
                match child.wait().await {
                    Ok(status) if status.code() == Some(0) => std::future::pending().await,
                    status => End::of(status),
                }
            };
            tokio::select! {
                is_ready = process::probe(&self.authority, budget) => (!is_ready).then_some(End::NotReady),
                end = ends_badly => return end,
                () = self.host_stopped() => Some(End::Killed),
            }
        };
        if let Some(failure) = failure {
            let _ = child.kill().await;
            return failure;
        }
        self.change(&[HandlerState::Starting], HandlerState::Ready);
        tokio::select! {
            status = child.wait() => End::of(status),
            _ = self.reaches(|state| state != HandlerState::Ready) => {
                let _ = child.kill().await;
                End::Killed
            }
        }
    }

    async fn reaches(&self, is_wanted: impl Fn(HandlerState) -> bool) -> HandlerState {
        let mut state = self.state.subscribe();
        match state.wait_for(|state| is_wanted(*state)).await {
            Ok(state) => *state,
            Err(_) => HandlerState::HostStopped,
        }
    }

    /// Changes the state from one of these, so that no step back is possible.
    fn change(&self, from: &[HandlerState], to: HandlerState) {
        self.state.send_if_modified(|state| {
            let changes = from.contains(state);
            if changes {
                *state = to;
            }
            changes
        });
    }
}
