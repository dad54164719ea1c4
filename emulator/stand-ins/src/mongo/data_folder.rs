//! The data folder of a mongod, with its log.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::{fs, io};

use tempfile::{NamedTempFile, TempDir};
use uuid::Uuid;

/// The number of lines of each file that an error quotes.
const TAIL_LINES: usize = 4;

/// Logged when the port is open, by every version since 4.4.
const LISTENING: &str = r#""msg":"Waiting for connections""#;

#[derive(Debug)]
pub(super) enum DataFolder {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl DataFolder {
    /// Creates the given folder if it is missing, or else a temporary one.
    pub(super) fn create(kept: Option<PathBuf>) -> io::Result<Self> {
        match kept {
            Some(path) => {
                fs::create_dir_all(&path)?;
                Ok(Self::Kept(path))
            }
            None => {
                let folder = tempfile::Builder::new().prefix("mongod-").tempdir()?;
                Ok(Self::Temporary(folder))
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }

    /// The last lines of the console and the log, for error messages.
    pub(super) fn log_tail(&self) -> String {
        let mut tail = String::new();
        for file in [self.console(), self.log()] {
            let text = fs::read_to_string(file).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let last = lines.len().saturating_sub(TAIL_LINES);
            tail.push_str(&lines[last..].join("\n"));
            tail.push('\n');
        }
        tail.trim().to_owned()
    }

    /// Whether the server has opened its port since [`DataFolder::remove_old_log`].
    pub(super) fn log_says_it_listens(&self) -> bool {
        fs::read_to_string(self.log()).is_ok_and(|log| log.contains(LISTENING))
    }

    /// Removes the log of an earlier server.
    pub(super) fn remove_old_log(&self) -> io::Result<()> {
        match fs::remove_file(self.log()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The key file of a replica set with users; created if missing.
    pub(super) fn member_key(&self) -> io::Result<PathBuf> {
        let path = self.path().join("member-key");
        if !path.is_file() {
            let mut file = NamedTempFile::new_in(self.path())?;
            file.write_all(Uuid::new_v4().simple().to_string().as_bytes())?;
            file.persist(&path)?;
        }
        Ok(path)
    }

    /// The folder, if it is to be deleted with the server.
    pub(super) fn temporary(&self) -> Option<&Path> {
        match self {
            Self::Kept(_) => None,
            Self::Temporary(folder) => Some(folder.path()),
        }
    }

    /// Output before the log exists, such as a missing library.
    pub(super) fn console(&self) -> PathBuf {
        self.path().join("console.log")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path().join("mongod.log")
    }
}
