//! Where the status of a timer is kept: the real host has a blob for each, this one a file, or
//! nothing but memory (`StorageScheduleMonitor.cs`).

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::Status;

/// Keeps one status.
pub(super) struct Store {
    file: Option<PathBuf>,
    status: Mutex<Option<Status>>,
}

impl Store {
    /// What is in the file; without one, or if it cannot be read, there is nothing yet.
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        let file = file.map(|file| file.with_extension("json"));
        let text = file.as_ref().and_then(|file| fs::read(file).ok());
        let status = text.and_then(|text| serde_json::from_slice(&text).ok());
        Self { file, status: Mutex::new(status) }
    }

    pub(super) fn get(&self) -> Option<Status> {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a status; in memory in any case.
    pub(super) fn set(&self, status: Status) -> io::Result<()> {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
        let Some(file) = &self.file else { return Ok(()) };
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        // A host that is killed leaves the old status or the new one.
        let written = file.with_extension("new");
        fs::write(&written, serde_json::to_vec(&status)?)?;
        fs::rename(written, file)
    }
}
