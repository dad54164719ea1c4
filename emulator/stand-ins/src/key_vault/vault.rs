//! The vault's secrets and who may read them.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use uuid::Uuid;

use super::Fault;

/// A version of a secret.
#[derive(Clone)]
pub(super) struct Version {
    pub(super) id: String,
    /// The position among the versions of its secret.
    number: usize,
    pub(super) value: String,
    /// Seconds since 1970.
    pub(super) created: u64,
}

/// A registered identity.
#[derive(Clone)]
pub(super) struct RegisteredIdentity {
    pub(super) name: String,
    pub(super) header: String,
    pub(super) client_id: String,
}

/// An access token.
pub(super) struct Token {
    pub(super) text: String,
    /// Seconds since 1970.
    pub(super) expires: u64,
}

/// Why a secret is not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// The token is missing or invalid.
    Unauthorized,
    /// The identity has no role for this secret.
    Forbidden,
    NotFound,
}

pub(super) struct Vault {
    token_lifetime: Duration,
    contents: Mutex<Contents>,
    reads: watch::Sender<HashMap<(String, String), Reads>>,
    faults: Mutex<Faults>,
}

/// The reads of one secret by one identity.
#[derive(Default)]
struct Reads {
    count: usize,
    /// The number of the newest version that was read.
    newest: Option<usize>,
}

#[derive(Default)]
struct Faults {
    vault: Option<Fault>,
    identity: Option<Fault>,
    count: usize,
}

#[derive(Default)]
struct Contents {
    secrets: HashMap<String, Vec<Version>>,
    identities: Vec<RegisteredIdentity>,
    grants: HashSet<(String, String)>,
    tokens: HashMap<String, (String, Instant)>,
}

impl Vault {
    pub(super) fn new(token_lifetime: Duration) -> Self {
        Self {
            token_lifetime,
            contents: Mutex::default(),
            reads: watch::Sender::default(),
            faults: Mutex::default(),
        }
    }

    pub(super) fn set_secret(&self, name: &str, value: &str) -> String {
        let id = Uuid::new_v4().simple().to_string();
        let mut contents = self.contents();
        let versions = contents.secrets.entry(lower(name)).or_default();
        versions.push(Version {
            id: id.clone(),
            number: versions.len(),
            value: value.to_owned(),
            created: seconds_since_1970(),
        });
        id
    }

    /// The identity of this name, created on first use.
    pub(super) fn identity(&self, name: &str) -> RegisteredIdentity {
        let identities = &mut self.contents().identities;
        if let Some(registered) = identities.iter().find(|registered| registered.name == name) {
            return registered.clone();
        }
        let registered = RegisteredIdentity {
            name: name.to_owned(),
            header: Uuid::new_v4().simple().to_string(),
            client_id: Uuid::new_v4().to_string(),
        };
        identities.push(registered.clone());
        registered
    }

    pub(super) fn grant(&self, identity: &str, secret: &str) {
        self.contents().grants.insert((identity.to_owned(), lower(secret)));
    }

    pub(super) fn revoke(&self, identity: &str, secret: &str) {
        self.contents().grants.remove(&(identity.to_owned(), lower(secret)));
    }

    /// The identity that this header authenticates.
    pub(super) fn identity_with_header(&self, header: &str) -> Option<RegisteredIdentity> {
        self.contents().identities.iter().find(|registered| registered.header == header).cloned()
    }

    pub(super) fn new_token(&self, identity: &str) -> Token {
        let text = Uuid::new_v4().simple().to_string();
        let mut contents = self.contents();
        let now = Instant::now();
        contents.tokens.retain(|_, (_, expiry)| *expiry > now);
        contents.tokens.insert(text.clone(), (identity.to_owned(), now + self.token_lifetime));
        Token { text, expires: seconds_since_1970() + self.token_lifetime.as_secs() }
    }

    /// Reads a secret for the holder of a token; without a version, the newest one.
    pub(super) fn read(
        &self,
        token: Option<&str>,
        secret: &str,
        version: Option<&str>,
    ) -> Result<Version, Denial> {
        let secret = lower(secret);
        let (identity, version) = self.contents().find(token, &secret, version)?;
        self.reads.send_modify(|reads| {
            let reads = reads.entry((identity, secret)).or_default();
            reads.count += 1;
            reads.newest = reads.newest.max(Some(version.number));
        });
        Ok(version)
    }

    pub(super) fn read_count(&self, identity: &str, secret: &str) -> usize {
        let key = (identity.to_owned(), lower(secret));
        self.reads.borrow().get(&key).map_or(0, |reads| reads.count)
    }

    /// Waits until an identity has read a version or a newer one.
    pub(super) async fn until_read(&self, identity: &str, secret: &str, version: &str) {
        let key = (identity.to_owned(), lower(secret));
        let number = self.contents().number(&key.1, version);
        let is_read = |reads: &HashMap<_, Reads>| {
            number.is_some() && reads.get(&key).is_some_and(|reads| reads.newest >= number)
        };
        let _ = self.reads.subscribe().wait_for(is_read).await;
    }

    pub(super) fn fail_vault(&self, fault: Option<Fault>) {
        self.faults().vault = fault;
    }

    pub(super) fn fail_identity(&self, fault: Option<Fault>) {
        self.faults().identity = fault;
    }

    /// The fault for the next request to the vault, which is counted.
    pub(super) fn vault_fault(&self) -> Option<Fault> {
        let mut faults = self.faults();
        let fault = faults.vault;
        faults.count += usize::from(fault.is_some());
        fault
    }

    /// The fault for the next request for a token, which is counted.
    pub(super) fn identity_fault(&self) -> Option<Fault> {
        let mut faults = self.faults();
        let fault = faults.identity;
        faults.count += usize::from(fault.is_some());
        fault
    }

    pub(super) fn fault_count(&self) -> usize {
        self.faults().count
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn number(&self, secret: &str, version: &str) -> Option<usize> {
        let versions = self.secrets.get(secret)?;
        versions.iter().find(|candidate| candidate.id == version).map(|version| version.number)
    }

    fn find(
        &self,
        token: Option<&str>,
        secret: &str,
        version: Option<&str>,
    ) -> Result<(String, Version), Denial> {
        let (identity, expiry) =
            token.and_then(|token| self.tokens.get(token)).ok_or(Denial::Unauthorized)?;
        if *expiry <= Instant::now() {
            return Err(Denial::Unauthorized);
        }
        if !self.grants.contains(&(identity.clone(), secret.to_owned())) {
            return Err(Denial::Forbidden);
        }
        let versions = self.secrets.get(secret).ok_or(Denial::NotFound)?;
        let found = match version {
            Some(id) => versions.iter().find(|version| version.id == id),
            None => versions.last(),
        };
        Ok((identity.clone(), found.ok_or(Denial::NotFound)?.clone()))
    }
}

/// Secret names are case-insensitive.
fn lower(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
