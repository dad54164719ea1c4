//! A process group whose members cannot outlive this process.
//!
//! For programs that must remain direct children, with their own process id, exit status and
//! environment, which a shell in between would change.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// The pipe is closed when this process ends; then the script kills the whole group, itself
/// included.
const SCRIPT: &str = "read -r _; kill -s KILL 0";

/// A group that is killed when this process ends, however that happens.
#[derive(Debug)]
pub struct Group {
    /// The first member of the group, a shell. While it lives, nothing else can get the group's id.
    watchdog: Child,
}

impl Group {
    /// Starts an empty group.
    pub fn start() -> io::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "watchdog"]).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { watchdog: command.spawn()? })
    }

    /// The id of the group, for starting a program as a member. The program joins before it runs,
    /// and holds our end of the pipe until then, so there is no gap.
    pub fn id(&self) -> i32 {
        self.watchdog.id().cast_signed()
    }
}

/// When dropped, it no longer kills the members: their owner must.
impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}
