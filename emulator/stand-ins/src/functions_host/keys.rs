//! Function keys and what they allow (`SecretManager.cs`, `AuthenticationLevelHandler.cs`).

use std::sync::{Arc, PoisonError, RwLock};

use uuid::Uuid;

use super::function::AuthLevel;

/// The keys of a host; by default generated ones, with a host key named `default`.
#[derive(Clone, Debug)]
pub struct HostKeys {
    /// The master key, which allows everything.
    pub master: String,
    /// The host keys by name; each allows every function.
    pub host: Vec<(String, String)>,
}

/// A handle for changing the keys of a running host.
#[derive(Clone, Debug)]
pub struct KeyRing(Arc<RwLock<HostKeys>>);

/// The caller, identified by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// No key, or an unknown one.
    Anonymous,
    Key {
        level: Level,
        name: String,
    },
}

/// The level of a key.
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

    /// The current keys.
    pub fn get(&self) -> HostKeys {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds or replaces a host key.
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

    /// The caller with this key; checks in the host's order.
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
    /// Whether the caller may invoke a function of this level.
    pub(super) fn may_invoke(&self, required: AuthLevel) -> bool {
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

/// Compares in constant time, as the host does (`Key.cs`).
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
    fn each_level_of_key_allows_its_functions() {
        for (key, function_level, admin_level) in [
            ("m", true, true),
            ("host", true, false),
            ("wrong", false, false),
            ("", false, false),
            ("HOST", false, false),
        ] {
            let caller = ring().caller(Some(key));
            assert_eq!(caller.may_invoke(AuthLevel::Function), function_level, "{key}");
            assert_eq!(caller.may_invoke(AuthLevel::Admin), admin_level, "{key}");
            assert!(caller.may_invoke(AuthLevel::Anonymous), "{key}");
        }
    }

    #[test]
    fn a_key_can_be_added_and_removed_while_the_host_runs() {
        let ring = ring();
        ring.set_host_key("next", "value");
        assert!(ring.caller(Some("value")).may_invoke(AuthLevel::Function));

        ring.remove_host_key("next");
        assert_eq!(ring.caller(Some("value")), Caller::Anonymous);
    }
}
