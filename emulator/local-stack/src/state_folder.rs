//! The state folder with data and keys, accessible to its owner only.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use serde::Serialize;
use tempfile::NamedTempFile;

const OWNER_ONLY: u32 = 0o700;

/// Creates the folder if it is missing, and removes the permissions of others.
pub(super) fn prepare(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(OWNER_ONLY).create(folder) {
        Err(_) if folder.is_dir() => restrict(folder),
        made => made,
    }
}

/// Replaces a file of the folder atomically, so that a crash leaves the old or the new one. Only its
/// owner may read it.
pub(super) fn write_json(file: &Path, content: &impl Serialize) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    // The temporary file has mode 600.
    let mut temporary = NamedTempFile::new_in(folder)?;
    temporary.write_all(serde_json::to_string_pretty(content)?.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(file)?;
    Ok(())
}

/// Removes the file of a killed stack, if there is one.
pub(super) fn remove_stale(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn restrict(folder: &Path) -> io::Result<()> {
    let mode = fs::metadata(folder)?.permissions().mode();
    match mode & !OWNER_ONLY & 0o777 {
        0 => Ok(()),
        _ => fs::set_permissions(folder, Permissions::from_mode(OWNER_ONLY)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(folder: &Path) -> u32 {
        fs::metadata(folder).expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn a_new_folder_is_private_and_its_parents_are_not() {
        let temporary = tempfile::tempdir().expect("a folder");
        let usual = temporary.path().join("usual");
        fs::create_dir(&usual).expect("made");
        let folder = temporary.path().join("target/server");

        prepare(&folder).expect("made");

        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&temporary.path().join("target")), mode(&usual));
    }

    #[test]
    fn an_existing_folder_is_made_private() {
        let folder = tempfile::tempdir().expect("a folder");
        for open in [0o755, 0o770, 0o777, 0o701] {
            fs::set_permissions(folder.path(), Permissions::from_mode(open)).expect("set");

            prepare(folder.path()).expect("closed");

            assert_eq!(mode(folder.path()), 0o700, "{open:o}");
        }
    }

    #[test]
    fn a_file_cannot_be_used() {
        let file = tempfile::NamedTempFile::new().expect("a file");

        prepare(file.path()).expect_err("it is a file");
    }
}
