//! Finds the mongod executable.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The path of the fetched executable, below the root of the workspace.
const FETCHED_MONGOD: &str = "target/tools/mongodb/bin/mongod";

/// The mongod on `PATH`, or else the one that `scripts/setup` fetched.
pub(super) fn mongod() -> Option<PathBuf> {
    let on_path = Command::new("mongod")
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if on_path.is_ok_and(|status| status.success()) {
        return Some(PathBuf::from("mongod"));
    }
    // The first is compiled in and serves tests; the others serve a moved executable.
    let starts = [
        Some(PathBuf::from(env!("CARGO_MANIFEST_DIR"))),
        std::env::current_exe().ok(),
        std::env::current_dir().ok(),
    ];
    starts.iter().flatten().find_map(|start| above(start))
}

fn above(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .map(|folder| folder.join(FETCHED_MONGOD))
        .find(|candidate| candidate.is_file())
}
