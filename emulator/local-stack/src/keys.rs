//! The keys of the local stack, the same at every start.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use stand_ins::api_management::{Products, Subscription};
use stand_ins::mongo::Credentials;
use tempfile::NamedTempFile;
use uuid::Uuid;

/// The subscription that has been there from the beginning.
pub(super) const FIRST_CALLER: &str = "first-caller";

#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(test, derive(Debug, PartialEq))]
#[serde(rename_all = "camelCase")]
pub(super) struct Keys {
    /// What clients show to the gateway for the subscription [`FIRST_CALLER`].
    pub(super) subscription: String,
    /// What they show for the others, by the subscription's id. Older files lack these.
    #[serde(default)]
    pub(super) other_subscriptions: BTreeMap<String, String>,
    /// What the gateway shows to the patient host.
    pub(super) patient_host: String,
    /// What the patient app shows to the audit host.
    pub(super) audit_host: String,
    /// Who may do everything in the database. Files from before there were users lack these.
    #[serde(default = "new_administrator")]
    pub(super) administrator: Credentials,
    /// As whom the patient app uses the database.
    #[serde(default = "new_patient_user")]
    pub(super) patient_database: Credentials,
    /// As whom the audit app uses the database.
    #[serde(default = "new_audit_user")]
    pub(super) audit_database: Credentials,
}

impl Keys {
    /// Reads the file, or makes it with new keys; what it lacks is added to it, and so is a key
    /// for each subscription of the products.
    pub(super) fn load_or_create(file: &Path, products: &Products) -> io::Result<Self> {
        let mut keys: Self = match fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == ErrorKind::NotFound => Self::new(),
            Err(error) => return Err(error),
        };
        for id in products.subscriptions.keys().filter(|id| *id != FIRST_CALLER) {
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
                FIRST_CALLER => &self.subscription,
                _ => self.other_subscriptions.get(id)?,
            };
            let product = subscription.product.clone();
            Some(Subscription { id: id.clone(), product, key: key.clone() })
        });
        with_key.collect()
    }

    fn new() -> Self {
        Self {
            subscription: new_key(),
            other_subscriptions: BTreeMap::new(),
            patient_host: new_key(),
            audit_host: new_key(),
            administrator: new_administrator(),
            patient_database: new_patient_user(),
            audit_database: new_audit_user(),
        }
    }

    /// Replaces the file as a whole, so that a crash leaves the old one or the new one. Only its
    /// owner may read it.
    pub(super) fn save(&self, file: &Path) -> io::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let mut aside = NamedTempFile::new_in(folder)?;
        aside.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        aside.as_file().sync_all()?;
        aside.persist(file)?;
        Ok(())
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

/// A user to take the place of another one, with one of two names: the one that is free.
pub(super) fn next_user(old: &str) -> Credentials {
    new_user(&other_name(old))
}

/// The name that a user or a host key has after the next rotation, or had before the last one.
pub(super) fn other_name(name: &str) -> String {
    name.strip_suffix("-rotated").map_or_else(|| format!("{name}-rotated"), str::to_owned)
}

pub(super) fn new_key() -> String {
    Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{FIRST_CALLER, Keys};
    use stand_ins::api_management::Products;

    #[test]
    fn keys_stay_the_same_and_are_for_their_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("keys.json");

        let first = Keys::load_or_create(&file, &Products::deployed()).expect("created");
        let second = Keys::load_or_create(&file, &Products::deployed()).expect("read");

        assert_eq!(first, second);
        assert_ne!(first.subscription, first.patient_host);
        let mode = file.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_from_before_there_were_users_and_products_keeps_its_keys() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("keys.json");
        let old = r#"{"subscription":"a","patientHost":"b","auditHost":"c"}"#;
        std::fs::write(&file, old).expect("written");

        let first = Keys::load_or_create(&file, &Products::deployed()).expect("read");
        let second = Keys::load_or_create(&file, &Products::deployed()).expect("read again");

        assert_eq!(first, second);
        let subscriptions = second.subscriptions(&Products::deployed());
        let key =
            |id: &str| &subscriptions.iter().find(|one| one.id == id).expect("it is there").key;
        assert_eq!(key(FIRST_CALLER), "a");
        assert_eq!(key("monitoring").len(), 32);
    }

    #[test]
    fn users_take_turns_with_two_names() {
        assert_eq!(super::other_name("audit-api"), "audit-api-rotated");
        assert_eq!(super::other_name("audit-api-rotated"), "audit-api");
    }

    #[test]
    fn a_damaged_file_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("keys.json");
        std::fs::write(&file, "{").expect("written");

        Keys::load_or_create(&file, &Products::deployed()).expect_err("it is not JSON");
    }
}
