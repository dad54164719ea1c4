//! The keys of the local stack, the same at every start.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// They open nothing but this machine's stack; still, nobody else needs to read them.
const OWNER_ONLY: u32 = 0o600;

#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Keys {
    /// What clients show to the gateway.
    pub(super) subscription: String,
    /// What the gateway shows to the patient host.
    pub(super) patient_host: String,
    /// What the patient app shows to the audit host.
    pub(super) audit_host: String,
}

impl Keys {
    /// Reads the file, or makes it with new keys.
    pub(super) fn load_or_create(file: &Path) -> io::Result<Self> {
        match fs::read(file) {
            Ok(bytes) => {
                fs::set_permissions(file, Permissions::from_mode(OWNER_ONLY))?;
                Ok(serde_json::from_slice(&bytes)?)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Self::create(file),
            Err(error) => Err(error),
        }
    }

    fn create(file: &Path) -> io::Result<Self> {
        let keys = Self { subscription: new_key(), patient_host: new_key(), audit_host: new_key() };
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(file)?;
        file.write_all(serde_json::to_string_pretty(&keys)?.as_bytes())?;
        Ok(keys)
    }
}

fn new_key() -> String {
    Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::Keys;

    #[test]
    fn keys_stay_the_same_and_are_for_their_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("server/keys.json");

        let first = Keys::load_or_create(&file).expect("created");
        let second = Keys::load_or_create(&file).expect("read");

        assert_eq!(first, second);
        assert_ne!(first.subscription, first.patient_host);
        let mode = file.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("keys.json");
        std::fs::write(&file, "{").expect("written");

        Keys::load_or_create(&file).expect_err("it is not JSON");
    }
}
