//! A process group whose members cannot outlive us.
//!
//! For programs that have to stay children of ours, with their own process id, exit status and
//! variables: a shell between them and us keeps none of these as they are.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// The end of the pipe means that we are gone; then the whole group goes, the shell included.
const SCRIPT: &str = "read -r _; kill -s KILL 0";

/// A group that is killed when we end, however that happens.
#[derive(Debug)]
pub struct Group {
    /// Its first member. As long as it lives nothing else can get the group's id.
    shell: Child,
}

impl Group {
    /// Starts a group without any program.
    pub fn start() -> io::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "watchdog"]).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { shell: command.spawn()? })
    }

    /// What a program is started with to be a member. It is one before it does anything, and
    /// until then it holds our end of the pipe as well, so there is no moment between.
    pub fn id(&self) -> i32 {
        self.shell.id().cast_signed()
    }
}

/// Dropped, it no longer guards its members; they are their owner's to end.
impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
