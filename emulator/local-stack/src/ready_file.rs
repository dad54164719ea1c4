//! `ready.json`: how programs find the running system.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use stand_ins::api_management::Subscription;
use tempfile::NamedTempFile;

const NAME: &str = "ready.json";

/// What programs may want to know.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ready<'a> {
    /// Where clients find the API: `http://127.0.0.1:8080`.
    pub(super) gateway: &'a str,
    /// Where the hosts of the apps are.
    pub(super) patient_host: &'a str,
    pub(super) audit_host: &'a str,
    /// The key of the subscription that has been there from the beginning.
    pub(super) subscription_key: &'a str,
    /// The keys of all subscriptions, with their products.
    pub(super) subscriptions: &'a [Subscription],
    /// The process that runs the system: without it, the file is a relic.
    pub(super) process_id: u32,
}

/// The file; dropping this removes it.
#[derive(Debug)]
pub(super) struct ReadyFile(PathBuf);

impl ReadyFile {
    /// Removes what a system left behind that was killed.
    pub(super) fn clear(state: &Path) -> io::Result<()> {
        match fs::remove_file(state.join(NAME)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes the file, as a whole and for its owner alone.
    pub(super) fn write(state: &Path, ready: &Ready<'_>) -> io::Result<Self> {
        let file = state.join(NAME);
        // Made with mode 600.
        let mut aside = NamedTempFile::new_in(state)?;
        aside.write_all(serde_json::to_string_pretty(ready)?.as_bytes())?;
        aside.persist(&file)?;
        Ok(Self(file))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
