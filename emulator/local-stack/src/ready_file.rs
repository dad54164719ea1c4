//! `ready.json`, from which programs learn about the running system.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use stand_ins::api_management::Subscription;
use tempfile::NamedTempFile;

const NAME: &str = "ready.json";

/// The content of the file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ready<'a> {
    /// The URL of the API, such as `http://127.0.0.1:8080`.
    pub(super) gateway: &'a str,
    /// The URLs of the apps' hosts.
    pub(super) patient_host: &'a str,
    pub(super) audit_host: &'a str,
    /// The key of the oldest subscription.
    pub(super) subscription_key: &'a str,
    /// All subscriptions, with their keys and products.
    pub(super) subscriptions: &'a [Subscription],
    /// The id of the process that runs the system; if it is gone, the file is stale.
    pub(super) process_id: u32,
}

/// The file, removed when dropped.
#[derive(Debug)]
pub(super) struct ReadyFile(PathBuf);

impl ReadyFile {
    /// Removes the file of a killed system.
    pub(super) fn clear(state: &Path) -> io::Result<()> {
        match fs::remove_file(state.join(NAME)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes the file atomically, readable by its owner only.
    pub(super) fn write(state: &Path, ready: &Ready<'_>) -> io::Result<Self> {
        let file = state.join(NAME);
        // The temporary file has mode 600.
        let mut temporary = NamedTempFile::new_in(state)?;
        temporary.write_all(serde_json::to_string_pretty(ready)?.as_bytes())?;
        temporary.persist(&file)?;
        Ok(Self(file))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
