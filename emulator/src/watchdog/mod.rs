//! Child processes that cannot outlive us.
//!
//! A test run or a local stack may be ended by SIGKILL, a closed terminal or a panic in the
//! wrong place. None of these runs a destructor, so the child is not ours but that of a small
//! shell script, which holds the reading end of a pipe from us. However we end, the system
//! closes our end, and the script ends the child. The same pipe carries the signals that we
//! want sent, since sending one by ourselves would need `unsafe` or a process for each.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const SCRIPT: &str = include_str!("watchdog.sh");

/// How often a child is asked whether it has ended. The standard library cannot wait with a limit.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How long a killed process may take to disappear, its memory and files being released.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// A running program that ends when we do.
#[derive(Debug)]
pub struct Watched {
    shell: Child,
    orders: Option<ChildStdin>,
}

impl Watched {
    /// Starts a program, in a process group of its own so that Ctrl-C reaches only us.
    ///
    /// If we end without [`Watched::kill`] or a drop, the program is killed and `temporary`
    /// deleted. Standard output and error of the command are kept as they were set.
    pub fn start(
        program: &Path,
        configure: impl FnOnce(&mut Command),
        temporary: Option<&Path>,
    ) -> io::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "watchdog"]);
        command.arg(temporary.unwrap_or(Path::new(""))).arg(program);
        configure(&mut command);
        let mut shell = command.stdin(Stdio::piped()).process_group(0).spawn()?;
        let orders = shell.stdin.take();
        Ok(Self { shell, orders })
    }

    /// The program's exit status once it has ended; a signal counts as 128 plus its number.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.shell.try_wait().ok().flatten()
    }

    /// Kills the program (SIGKILL) and waits until it is gone.
    pub fn kill(&mut self) {
        self.send("KILL");
        let killed = Instant::now();
        while self.exit_status().is_none() && killed.elapsed() < KILL_LIMIT {
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Asks the program to end (SIGTERM); kills it when it has not ended within the limit.
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
        if let Some(orders) = &mut self.orders {
            // A broken pipe means that the program has ended already, which is what we want.
            let _ = writeln!(orders, "{signal}");
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.orders = None;
        self.kill();
    }
}
