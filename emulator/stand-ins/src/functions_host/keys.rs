//! Function keys: who may call what (`SecretManager.cs`, `AuthenticationLevelHandler.cs`).

use std::sync::{Arc, PoisonError, RwLock};

use uuid::Uuid;

use super::function::AuthLevel;

/// The keys of a host. The default has generated values and a host key named `default`.
#[derive(Clone, Debug)]
pub struct HostKeys {
    /// Opens everything.
    pub master: String,
    /// Host keys, by name; each opens every function.
    pub host: Vec<(String, String)>,
}

/// A handle by which keys can be changed while the host runs.
#[derive(Clone, Debug)]
pub struct KeyRing(Arc<RwLock<HostKeys>>);

/// Who calls: what the key grants, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// There is no key, or none that fits.
    Anonymous,
    Key {
        level: Level,
        name: String,
    },
}

/// What a key is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Admin,
    Function,
}

impl Default for HostKeys {
    fn default() -> Self {
        Self { master: generate(), host: vec![("default".to_owned(), generate())] }
    }
}

impl KeyRing {
    pub(super) fn new(keys: HostKeys) -> Self {
        Self(Arc::new(RwLock::new(keys)))
    }

    /// The keys as they are now.
    pub fn get(&self) -> HostKeys {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds a host key, or gives it another value.
    pub fn set_host_key(&self, name: &str, value: &str) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.host.retain(|(candidate, _)| candidate != name);
        keys.host.push((name.to_owned(), value.to_owned()));
    }

    /// Removes a host key.
    pub fn remove_host_key(&self, name: &str) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.host.retain(|(candidate, _)| candidate != name);
    }

    /// Who presents this key, in the host's order of checking.
    pub(super) fn caller(&self, presented: Option<&str>) -> Caller {
        let Some(presented) = presented else {
            return Caller::Anonymous;
        };
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let key = |level, name: &str| Caller::Key { level, name: name.to_owned() };
        if equal(&keys.master, presented) {
            return key(Level::Admin, "master");
        }
        keys.host
            .iter()
            .find(|(_, value)| equal(value, presented))
            .map_or(Caller::Anonymous, |(name, _)| key(Level::Function, name))
    }
}

impl Caller {
    /// Whether this is enough for a function of that level.
    pub(super) fn opens(&self, required: AuthLevel) -> bool {
        match required {
            AuthLevel::Anonymous => true,
            AuthLevel::Function => *self != Self::Anonymous,
            AuthLevel::Admin => self.is_admin(),
        }
    }

    /// Whether the key is the master key.
    pub(super) fn is_admin(&self) -> bool {
        matches!(self, Self::Key { level: Level::Admin, .. })
    }
}

/// Compares without stopping at the first difference, as the host does (`Key.cs`).
fn equal(key: &str, presented: &str) -> bool {
    key.len() == presented.len()
        && key.bytes().zip(presented.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

fn generate() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> KeyRing {
        KeyRing::new(HostKeys {
            master: "m".to_owned(),
            host: vec![("h".to_owned(), "host".to_owned())],
        })
    }

    #[test]
    fn each_kind_of_key_opens_what_it_should() {
        for (key, function_level, admin_level) in [
            ("m", true, true),
            ("host", true, false),
            ("wrong", false, false),
            ("", false, false),
            ("HOST", false, false),
        ] {
            let caller = ring().caller(Some(key));
            assert_eq!(caller.opens(AuthLevel::Function), function_level, "{key}");
            assert_eq!(caller.opens(AuthLevel::Admin), admin_level, "{key}");
            assert!(caller.opens(AuthLevel::Anonymous), "{key}");
        }
    }

    #[test]
    fn a_key_can_be_added_and_removed_while_the_host_runs() {
        let ring = ring();
        ring.set_host_key("next", "value");
        assert!(ring.caller(Some("value")).opens(AuthLevel::Function));

        ring.remove_host_key("next");
        assert_eq!(ring.caller(Some("value")), Caller::Anonymous);
    }
}
