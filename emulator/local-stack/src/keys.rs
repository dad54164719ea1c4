//! The keys of the local stack, stored between starts.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use serde::{Deserialize, Serialize};
use stand_ins::api_management::{Products, Subscription};
use stand_ins::mongo::Credentials;
use uuid::Uuid;

use super::products::DEVELOPER;
use super::state_folder;

#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(test, derive(Debug, PartialEq))]
#[serde(rename_all = "camelCase")]
pub(super) struct Keys {
    /// The key of the subscription [`DEVELOPER`], in older files of the only one there was.
    pub(super) subscription: String,
    /// The keys of the other subscriptions, by id. Older files lack these.
    #[serde(default)]
    pub(super) other_subscriptions: BTreeMap<String, String>,
    /// The gateway's key for the patient host.
    pub(super) patient_host: String,
    /// The patient app's key for writing audit records. Older files lack this and the next one.
    #[serde(default = "new_key")]
    pub(super) audit_writing: String,
    /// The patient app's key for reading audit records.
    #[serde(default = "new_key")]
    pub(super) audit_reading: String,
    /// The database administrator. Older files lack the database users.
    #[serde(default = "new_administrator")]
    pub(super) administrator: Credentials,
    /// The patient app's database user.
    #[serde(default = "new_patient_user")]
    pub(super) patient_database: Credentials,
    /// The audit app's database user.
    #[serde(default = "new_audit_user")]
    pub(super) audit_database: Credentials,
}

impl Keys {
    /// Reads the file, or creates it with new keys; adds missing keys, including one for each
    /// subscription of the products.
    pub(super) fn load_or_create(file: &Path, products: &Products) -> io::Result<Self> {
        let mut keys: Self = match fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == ErrorKind::NotFound => Self::new(),
            Err(error) => return Err(error),
        };
        for id in products.subscriptions.keys().filter(|id| *id != DEVELOPER) {
            keys.other_subscriptions.entry(id.clone()).or_insert_with(new_key);
        }
        keys.save(file)?;
        Ok(keys)
    }

    /// The subscriptions of the products, with their keys.
    pub(super) fn subscriptions(&self, products: &Products) -> Vec<Subscription> {
        let subscriptions = products.subscriptions.iter();
        let with_key = subscriptions.filter_map(|(id, subscription)| {
            let key = match id.as_str() {
                DEVELOPER => &self.subscription,
                _ => self.other_subscriptions.get(id)?,
            };
            Some(Subscription {
                id: id.clone(),
                name: subscription.display_name.clone(),
                product: subscription.product.clone(),
                key: key.clone(),
            })
        });
        with_key.collect()
    }

    fn new() -> Self {
        Self {
            subscription: new_key(),
            other_subscriptions: BTreeMap::new(),
            patient_host: new_key(),
            audit_writing: new_key(),
            audit_reading: new_key(),
            administrator: new_administrator(),
            patient_database: new_patient_user(),
            audit_database: new_audit_user(),
        }
    }

    /// Replaces the file atomically.
    pub(super) fn save(&self, file: &Path) -> io::Result<()> {
        state_folder::write_json(file, self)
    }
}

fn new_administrator() -> Credentials {
    new_user("administrator")
}

fn new_patient_user() -> Credentials {
    new_user("patient-tests-api")
}

fn new_audit_user() -> Credentials {
    new_user("audit-api")
}

fn new_user(name: &str) -> Credentials {
    Credentials { user: name.to_owned(), password: new_key() }
}

/// A user to replace another one; there are two names, and it gets the unused one.
pub(super) fn next_user(old: &str) -> Credentials {
    new_user(&other_name(old))
}

/// The other one of the two names between which rotations alternate.
pub(super) fn other_name(name: &str) -> String {
    name.strip_suffix("-rotated").map_or_else(|| format!("{name}-rotated"), str::to_owned)
}

pub(super) fn new_key() -> String {
    Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{DEVELOPER, Keys};
    use crate::products;

    #[test]
    fn keys_are_stored_and_readable_by_their_owner_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("keys.json");

        let first = Keys::load_or_create(&file, &products::all()).expect("created");
        let second = Keys::load_or_create(&file, &products::all()).expect("read");

        assert_eq!(first, second);
        assert_ne!(first.subscription, first.patient_host);
        assert_ne!(first.audit_writing, first.audit_reading);
        let mode = file.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn an_older_file_without_users_and_products_keeps_its_keys() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("keys.json");
        let old = r#"{"subscription":"a","patientHost":"b","auditHost":"c"}"#;
        std::fs::write(&file, old).expect("written");

        let first = Keys::load_or_create(&file, &products::all()).expect("read");
        let second = Keys::load_or_create(&file, &products::all()).expect("read again");

        assert_eq!(first, second);
        assert_eq!(first.patient_host, "b");
        let subscriptions = second.subscriptions(&products::all());
        let key =
            |id: &str| &subscriptions.iter().find(|one| one.id == id).expect("it is there").key;
        assert_eq!(key(DEVELOPER), "a");
        assert_eq!(key("monitoring").len(), 32);
    }

    #[test]
    fn users_alternate_between_two_names() {
        assert_eq!(super::other_name("audit-api"), "audit-api-rotated");
        assert_eq!(super::other_name("audit-api-rotated"), "audit-api");
    }

    #[test]
    fn a_damaged_file_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("keys.json");
        std::fs::write(&file, "{").expect("written");

        Keys::load_or_create(&file, &products::all()).expect_err("it is not JSON");
    }
}
