//! Child processes that cannot outlive this process.
//!
//! A test run or a local stack may be ended by SIGKILL, a closed terminal or a panic in the wrong
//! place, none of which runs a destructor. Therefore the program is the child of a small shell
//! script that reads a pipe from this process. However this process ends, the system closes the
//! pipe, and the script kills the program. The same pipe carries the signals to send, since sending
//! one directly would need `unsafe` or a process per signal.

mod group;

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub use group::Group;

const SCRIPT: &str = include_str!("watchdog.sh");

/// How often a child is polled. The standard library cannot wait with a timeout.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How long a killed process may take to exit, which releases its memory and files.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// A running program that ends with this process.
#[derive(Debug)]
pub struct Watched {
    watchdog: Child,
    signal_pipe: Option<ChildStdin>,
}

impl Watched {
    /// Starts a program in a process group of its own, so that Ctrl-C reaches only this process.
    ///
    /// If this process ends without [`Watched::kill`] or a drop, the program is killed and
    /// `temporary` deleted. The command's standard output and error are inherited as configured.
    pub fn start(
        program: &Path,
        configure: impl FnOnce(&mut Command),
        temporary: Option<&Path>,
    ) -> io::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "watchdog"]);
        command.arg(temporary.unwrap_or(Path::new(""))).arg(program);
        configure(&mut command);
        let mut watchdog = command.stdin(Stdio::piped()).process_group(0).spawn()?;
        let signal_pipe = watchdog.stdin.take();
        Ok(Self { watchdog, signal_pipe })
    }

    /// The exit status once the program has ended; a signal counts as 128 plus its number.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.watchdog.try_wait().ok().flatten()
    }

    /// Kills the program (SIGKILL) and waits until it is gone.
    pub fn kill(&mut self) {
        self.send("KILL");
        let killed = Instant::now();
        while self.exit_status().is_none() && killed.elapsed() < KILL_LIMIT {
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Asks the program to end (SIGTERM), and kills it after the limit.
    pub async fn stop(&mut self, limit: Duration) {
        self.send("TERM");
        if tokio::time::timeout(limit, self.ended()).await.is_err() {
            self.kill();
        }
    }

    /// Waits until the program has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.exit_status() {
                return status;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    fn send(&mut self, signal: &str) {
        if let Some(signal_pipe) = &mut self.signal_pipe {
            // A broken pipe means that the program has already ended.
            let _ = writeln!(signal_pipe, "{signal}");
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.signal_pipe = None;
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::Watched;

    fn shell(script: &str, temporary: Option<&Path>) -> Watched {
        let configure = |command: &mut std::process::Command| {
            command.args(["-c", script]);
        };
        Watched::start(Path::new("sh"), configure, temporary).expect("there is a shell")
    }

    #[tokio::test]
    async fn the_exit_status_is_that_of_the_program() {
        let mut program = shell("exit 7", None);

        assert_eq!(program.ended().await.code(), Some(7));
    }

    #[tokio::test]
    async fn a_program_may_handle_sigterm() {
        let folder = tempfile::tempdir().expect("a folder");
        let ready = folder.path().join("ready");
        let script =
            format!("trap 'exit 3' TERM; touch {}; while :; do sleep 0.01; done", ready.display());
        let mut program = shell(&script, None);
        wait_for(&ready).await;

        program.stop(Duration::from_secs(30)).await;

        assert_eq!(program.ended().await.code(), Some(3));
    }

    #[tokio::test]
    async fn a_program_that_ignores_sigterm_is_killed() {
        let folder = tempfile::tempdir().expect("a folder");
        let ready = folder.path().join("ready");
        let script =
            format!("trap '' TERM; touch {}; while :; do sleep 0.01; done", ready.display());
        let mut program = shell(&script, None);
        wait_for(&ready).await;

        program.stop(Duration::from_millis(100)).await;

        assert_eq!(program.ended().await.code(), Some(128 + 9));
    }

    #[tokio::test]
    async fn dropping_a_program_deletes_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let temporary = folder.path().join("temporary");
        let ready = temporary.join("ready");
        let script =
            format!("mkdir {}; touch {}; exec sleep 1000", temporary.display(), ready.display());
        let program = shell(&script, Some(&temporary));
        wait_for(&ready).await;

        drop(program);

        assert!(!temporary.exists());
    }

    async fn wait_for(file: &Path) {
        for _ in 0..1500 {
            if file.exists() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} never appears", file.display());
    }
}
