//! The secrets of the local stack, in the vault and in the services that accept them. Each can be
//! rotated while everything runs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::Mutex;

use super::LocalStackError;
use super::error::RotationError;
use super::function_keys::{CallerKey, GATEWAY_KEY, READING_KEY, WRITING_KEY};
use super::keys::{self, Keys};
use super::settings::{AUDIT_DATABASE, PATIENT_DATABASE};
use stand_ins::api_management::GatewayIdentity;
use stand_ins::functions_host::KeyRing;
use stand_ins::key_vault::KeyVault;
use stand_ins::mongo::{self, Credentials, Users};

/// The names of the secrets in the vault, beside those of the keys.
const PATIENT_DATABASE_SECRET: &str = "patient-connection-string";
const AUDIT_DATABASE_SECRET: &str = "audit-connection-string";

/// The identities that read the secrets.
pub(super) const GATEWAY: &str = "gateway";
pub(super) const PATIENT_APP: &str = "patient-tests-api";
const AUDIT_APP: &str = "audit-api";

/// How long a rotation waits until the new secret has been read.
const READ_LIMIT: Duration = Duration::from_secs(30);

/// A secret that can be rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The gateway's key to the patient app's host.
    PatientHostKey,
    /// The patient app's key for writing audit records.
    AuditWritingKey,
    /// The patient app's key for reading audit records.
    AuditReadingKey,
    /// The patient app's database user.
    PatientDatabase,
    /// The audit app's database user.
    AuditDatabase,
}

/// The secrets, with the services to rotate them.
pub(super) struct Secrets {
    vault: KeyVault,
    file: PathBuf,
    /// Locked during a rotation, so that there is one at a time.
    keys: Mutex<Keys>,
    database: ConnectionStrings,
    refresh_interval: Duration,
}

/// The source of connection strings.
pub(super) enum ConnectionStrings {
    /// The database was given, with its own user.
    Given(String),
    /// The stack's mongod, with a user per app.
    PerUser(Users),
}

/// The keys of both hosts; `None` under Core Tools, which accept any key.
pub(super) struct HostKeyRings {
    pub(super) patient: Option<KeyRing>,
    pub(super) audit: Option<KeyRing>,
}

impl Rotation {
    /// All secrets.
    pub const ALL: [Self; 5] = [
        Self::PatientHostKey,
        Self::AuditWritingKey,
        Self::AuditReadingKey,
        Self::PatientDatabase,
        Self::AuditDatabase,
    ];

    /// The secret of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rotation| rotation.name() == name)
    }

    /// The name of the secret in `scripts/rotate-key`.
    pub fn name(self) -> &'static str {
        match self {
            Self::PatientHostKey => "patient-host-key",
            Self::AuditWritingKey => "audit-writing-key",
            Self::AuditReadingKey => "audit-reading-key",
            Self::PatientDatabase => "patient-database",
            Self::AuditDatabase => "audit-database",
        }
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Secrets {
    /// Fills the vault and the database; each identity may read only what it needs.
    pub(super) async fn start(
        mut keys: Keys,
        file: &Path,
        database: ConnectionStrings,
        refresh_interval: Duration,
    ) -> Result<Self, LocalStackError> {
        let vault = KeyVault::start().await.map_err(LocalStackError::Vault)?;
        for key in [GATEWAY_KEY, WRITING_KEY, READING_KEY] {
            vault.grant(key.caller, key.secret);
            vault.set_secret(key.secret, (key.value)(&mut keys));
        }
        for (app, user, database_name, secret) in [
            (PATIENT_APP, &keys.patient_database, PATIENT_DATABASE, PATIENT_DATABASE_SECRET),
            (AUDIT_APP, &keys.audit_database, AUDIT_DATABASE, AUDIT_DATABASE_SECRET),
        ] {
            vault.grant(app, secret);
            vault.set_secret(secret, &database.grant_access(user, database_name).await?);
            // An interrupted rotation leaves two users.
            if let ConnectionStrings::PerUser(users) = &database {
                users.drop(&keys::other_name(&user.user)).await?;
            }
        }
        let file = file.to_owned();
        Ok(Self { vault, file, keys: Mutex::new(keys), database, refresh_interval })
    }

    pub(super) fn vault(&self) -> &KeyVault {
        &self.vault
    }

    /// The URI of the gateway's host key.
    pub(super) fn gateway_key_uri(&self) -> String {
        self.vault.secret_uri(GATEWAY_KEY.secret)
    }

    /// The identity with which the gateway reads it.
    pub(super) fn gateway_identity(&self) -> GatewayIdentity {
        GatewayIdentity {
            identity: self.vault.identity(GATEWAY),
            trusted_certificate: self.vault.trusted_certificate().to_owned(),
        }
    }

    /// Makes a host accept these keys. Core Tools accept any key.
    pub(super) async fn add_keys(&self, ring: Option<KeyRing>, added: &[CallerKey]) {
        let Some(ring) = ring else {
            return;
        };
        let mut keys = self.keys.lock().await;
        for key in added {
            key.add(&ring, key.caller, (key.value)(&mut keys));
        }
    }

    /// The patient app's settings for its secrets.
    pub(super) fn patient_settings(&self) -> Vec<(String, String)> {
        let mut settings = self.settings(PATIENT_APP, PATIENT_DATABASE_SECRET);
        for (name, key) in [
            ("AUDIT_API_KEY_SECRET_URI", WRITING_KEY),
            ("AUDIT_API_READING_KEY_SECRET_URI", READING_KEY),
        ] {
            settings.push((name.to_owned(), self.vault.secret_uri(key.secret)));
        }
        settings
    }

    /// The audit app's settings for its secret.
    pub(super) fn audit_settings(&self) -> Vec<(String, String)> {
        self.settings(AUDIT_APP, AUDIT_DATABASE_SECRET)
    }

    fn settings(&self, identity: &str, connection_string: &str) -> Vec<(String, String)> {
        let identity = self.vault.identity(identity);
        [
            ("MONGO_CONNECTION_STRING_SECRET_URI", self.vault.secret_uri(connection_string)),
            ("IDENTITY_ENDPOINT", identity.endpoint),
            ("IDENTITY_HEADER", identity.header),
            (
                "TRUSTED_CERTIFICATES_FILE",
                self.vault.trusted_certificate().to_string_lossy().into_owned(),
            ),
            ("SECRET_REFRESH_SECONDS", self.refresh_interval.as_secs().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Rotates one secret without downtime: the new one is accepted in addition to the old one,
    /// stored in the vault and read by its user; then the old one is removed.
    pub(super) async fn rotate(
        &self,
        rotation: Rotation,
        hosts: &HostKeyRings,
        progress: &mut impl FnMut(&str),
    ) -> Result<(), RotationError> {
        match rotation {
            Rotation::PatientHostKey => {
                self.rotate_key(&GATEWAY_KEY, hosts.patient.as_ref(), progress).await
            }
            Rotation::AuditWritingKey => {
                self.rotate_key(&WRITING_KEY, hosts.audit.as_ref(), progress).await
            }
            Rotation::AuditReadingKey => {
                self.rotate_key(&READING_KEY, hosts.audit.as_ref(), progress).await
            }
            Rotation::PatientDatabase => {
                let user = (PATIENT_APP, PATIENT_DATABASE, PATIENT_DATABASE_SECRET);
                self.rotate_user(user, |keys| &mut keys.patient_database, progress).await
            }
            Rotation::AuditDatabase => {
                let user = (AUDIT_APP, AUDIT_DATABASE, AUDIT_DATABASE_SECRET);
                self.rotate_user(user, |keys| &mut keys.audit_database, progress).await
            }
        }
    }

    async fn rotate_key(
        &self,
        key: &CallerKey,
        ring: Option<&KeyRing>,
        progress: &mut impl FnMut(&str),
    ) -> Result<(), RotationError> {
        let ring = ring.ok_or(RotationError::CoreTools)?;
        let mut keys = self.keys.lock().await;
        let value = keys::new_key();
        let (old, new) = key.names(ring);
        key.add(ring, &new, &value);
        progress(&format!("The host accepts the new key {new} in addition to {old}."));
        self.save(&mut keys, key.value, value.clone())?;
        let version = self.vault.set_secret(key.secret, &value);
        if key.caller == GATEWAY {
            progress("The gateway reads the new key when the old one is refused.");
        } else {
            self.until_read(key.caller, key.secret, &version, progress).await;
        }
        key.remove(ring, &old);
        progress(&format!("The host no longer accepts {old}."));
        Ok(())
    }

    async fn rotate_user(
        &self,
        (app, database, secret): (&str, &str, &str),
        field: fn(&mut Keys) -> &mut Credentials,
        progress: &mut impl FnMut(&str),
    ) -> Result<(), RotationError> {
        let ConnectionStrings::PerUser(users) = &self.database else {
            return Err(RotationError::GivenDatabase);
        };
        let mut keys = self.keys.lock().await;
        let old = field(&mut keys).user.clone();
        let new = keys::next_user(&old);
        let connection_string = self.database.grant_access(&new, database).await?;
        progress(&format!("The database has the user {} in addition to {old}.", new.user));
        self.save(&mut keys, field, new)?;
        let version = self.vault.set_secret(secret, &connection_string);
        self.until_read(app, secret, &version, progress).await;
        users.drop(&old).await?;
        progress(&format!("The user {old} is removed."));
        Ok(())
    }

    /// Saves a new secret before it is stored in the vault. Vault, hosts and database are filled
    /// from the file, so a crash at any point leaves a stack that works with the old or the new
    /// secret.
    fn save<T>(
        &self,
        keys: &mut Keys,
        field: fn(&mut Keys) -> &mut T,
        secret: T,
    ) -> Result<(), RotationError> {
        let mut next = keys.clone();
        *field(&mut next) = secret;
        next.save(&self.file).map_err(RotationError::Keys)?;
        *keys = next;
        Ok(())
    }

    async fn until_read(
        &self,
        app: &str,
        secret: &str,
        version: &str,
        progress: &mut impl FnMut(&str),
    ) {
        progress(&format!("Key Vault has a new version of {secret}; waiting for {app} …"));
        if self.vault.until_read(app, secret, version, READ_LIMIT).await {
            progress(&format!("{app} has read it."));
        } else {
            progress(&format!("{app} has not read it yet; it will when the old one is refused."));
        }
    }
}

impl ConnectionStrings {
    /// Gives a user access to one database; returns the connection string.
    async fn grant_access(
        &self,
        user: &Credentials,
        database: &str,
    ) -> Result<String, mongo::MongodError> {
        match self {
            Self::Given(connection_string) => Ok(connection_string.clone()),
            Self::PerUser(users) => {
                users.set(user, database).await?;
                // Cosmos DB acknowledges durable writes; with the journal, so does mongod, even if
                // it is killed.
                Ok(mongo::with_option(&users.connection_string_of(user), "journal", "true"))
            }
        }
    }
}
