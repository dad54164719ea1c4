//! Where a mongod keeps its data, and what it said.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::{fs, io};

use tempfile::{NamedTempFile, TempDir};
use uuid::Uuid;

/// How many lines of each file an error quotes.
const LAST_WORDS: usize = 4;

/// Logged once the port is open, by every version since 4.4.
const LISTENS: &str = r#""msg":"Waiting for connections""#;

#[derive(Debug)]
pub(super) enum DataFolder {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl DataFolder {
    /// The kept folder, made if missing, or else a new temporary one.
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

    /// The last lines of what the server said, for the developer whom it did not serve.
    pub(super) fn last_words(&self) -> String {
        let mut said = String::new();
        for file in [self.console(), self.log()] {
            let text = fs::read_to_string(file).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let last = lines.len().saturating_sub(LAST_WORDS);
            said.push_str(&lines[last..].join("\n"));
            said.push('\n');
        }
        said.trim().to_owned()
    }

    /// Whether the server has opened its port since [`DataFolder::forget_last_words`].
    pub(super) fn says_it_listens(&self) -> bool {
        fs::read_to_string(self.log()).is_ok_and(|log| log.contains(LISTENS))
    }

    /// Removes the log of an earlier server.
    pub(super) fn forget_last_words(&self) -> io::Result<()> {
        match fs::remove_file(self.log()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The file with what the members of a replica set with users show each other; made if
    /// missing.
    pub(super) fn member_key(&self) -> io::Result<PathBuf> {
        let path = self.path().join("member-key");
        if !path.is_file() {
            let mut file = NamedTempFile::new_in(self.path())?;
            file.write_all(Uuid::new_v4().simple().to_string().as_bytes())?;
            file.persist(&path)?;
        }
        Ok(path)
    }

    /// The folder, if it is to go with the server.
    pub(super) fn temporary(&self) -> Option<&Path> {
        match self {
            Self::Kept(_) => None,
            Self::Temporary(folder) => Some(folder.path()),
        }
    }

    /// What the server says before it has a log, such as which library is missing.
    pub(super) fn console(&self) -> PathBuf {
        self.path().join("console.log")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path().join("mongod.log")
    }
}
