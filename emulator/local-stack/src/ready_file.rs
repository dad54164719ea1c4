//! `ready.json`, from which programs learn about the running system.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::state_folder;

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
    /// The developers' key, which may do everything.
    pub(super) subscription_key: &'a str,
    /// The key of each product.
    pub(super) subscription_keys: BTreeMap<&'a str, &'a str>,
    pub(super) database: ReadyDatabase<'a>,
    /// The id of the process that runs the system; if it is gone, the file is stale.
    pub(super) process_id: u32,
}

/// Where the apps' data is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReadyDatabase<'a> {
    /// The connection string of the administrator.
    pub(super) connection_string: &'a str,
    /// The names of the apps' databases.
    pub(super) patient_tests: &'a str,
    pub(super) audit: &'a str,
}

/// The file, removed when dropped.
#[derive(Debug)]
pub(super) struct ReadyFile(PathBuf);

impl ReadyFile {
    /// Removes the file of a killed system.
    pub(super) fn clear(state: &Path) -> io::Result<()> {
        state_folder::remove_stale(&state.join(NAME))
    }

    /// Writes the file.
    pub(super) fn write(state: &Path, ready: &Ready<'_>) -> io::Result<Self> {
        let file = state.join(NAME);
        state_folder::write_json(&file, ready)?;
        Ok(Self(file))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
