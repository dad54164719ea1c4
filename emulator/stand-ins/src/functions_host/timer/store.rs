//! Stores the status of a timer: in a file or only in memory, where the real host uses a blob
//! (`StorageScheduleMonitor.cs`).

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::Status;

/// The store of one timer.
pub(super) struct Store {
    file: Option<PathBuf>,
    status: Mutex<Option<Status>>,
}

impl Store {
    /// Loads the file; without one, or if it is unreadable, the store is empty.
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        let file = file.map(|file| file.with_extension("json"));
        let text = file.as_ref().and_then(|file| fs::read(file).ok());
        let status = text.and_then(|text| serde_json::from_slice(&text).ok());
        Self { file, status: Mutex::new(status) }
    }

    pub(super) fn get(&self) -> Option<Status> {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a status; in memory even if the file fails.
    pub(super) fn set(&self, status: Status) -> io::Result<()> {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
        let Some(file) = &self.file else { return Ok(()) };
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        // Replaced atomically: a killed host leaves the old status or the new one.
        let written = file.with_extension("new");
        fs::write(&written, serde_json::to_vec(&status)?)?;
        fs::rename(written, file)
    }
}
