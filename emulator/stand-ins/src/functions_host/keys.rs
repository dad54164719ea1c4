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
    /// The keys of single functions.
    pub functions: Vec<FunctionKey>,
}

/// A key that allows one function.
#[derive(Clone, Debug)]
pub struct FunctionKey {
    /// The function that it allows.
    pub function: String,
    /// Its name, which is unique among the keys of the function.
    pub name: String,
    /// The key itself.
    pub value: String,
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
        let host = vec![("default".to_owned(), generate())];
        Self { master: generate(), host, functions: Vec::new() }
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

    /// Adds or replaces a key of one function.
    pub fn set_function_key(&self, function: &str, name: &str, value: &str) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.functions.retain(|key| !key.is(function, name));
        keys.functions.push(FunctionKey {
            function: function.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
        });
    }

    /// Removes a key of one function.
    pub fn remove_function_key(&self, function: &str, name: &str) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.functions.retain(|key| !key.is(function, name));
    }

    /// Who presents this key, to this function if there is one; checks in the host's order.
    pub(super) fn caller(&self, presented: Option<&str>, function: Option<&str>) -> Caller {
        let Some(presented) = presented else {
            return Caller::Anonymous;
        };
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let key = |level, name: &str| Caller::Key { level, name: name.to_owned() };
        if equal(&keys.master, presented) {
            return key(Level::Admin, "master");
        }
        let host = keys.host.iter().map(|(name, value)| (name, value));
        let of_function = keys.functions.iter().filter(|key| Some(&*key.function) == function);
        host.chain(of_function.map(|key| (&key.name, &key.value)))
            .find(|(_, value)| equal(value, presented))
            .map_or(Caller::Anonymous, |(name, _)| key(Level::Function, name))
    }
}

impl FunctionKey {
    fn is(&self, function: &str, name: &str) -> bool {
        self.function == function && self.name == name
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
            functions: vec![FunctionKey {
                function: "Mine".to_owned(),
                name: "f".to_owned(),
                value: "function".to_owned(),
            }],
        })
    }

    #[test]
    fn each_level_of_key_allows_its_functions() {
        for (key, function_level, admin_level) in [
            ("m", true, true),
            ("host", true, false),
            ("function", true, false),
            ("wrong", false, false),
            ("", false, false),
            ("HOST", false, false),
        ] {
            let caller = ring().caller(Some(key), Some("Mine"));
            assert_eq!(caller.may_invoke(AuthLevel::Function), function_level, "{key}");
            assert_eq!(caller.may_invoke(AuthLevel::Admin), admin_level, "{key}");
            assert!(caller.may_invoke(AuthLevel::Anonymous), "{key}");
        }
    }

    #[test]
    fn a_key_can_be_added_and_removed_while_the_host_runs() {
        let ring = ring();
        let caller = |key| ring.caller(Some(key), Some("Mine"));
        ring.set_host_key("next", "value");
        ring.set_function_key("Mine", "next", "own");
        assert!(caller("value").may_invoke(AuthLevel::Function));
        assert!(caller("own").may_invoke(AuthLevel::Function));

        ring.remove_host_key("next");
        ring.remove_function_key("Mine", "next");
        assert_eq!(caller("value"), Caller::Anonymous);
        assert_eq!(caller("own"), Caller::Anonymous);
    }

    #[test]
    fn keys_of_one_name_belong_to_their_functions() {
        let ring = ring();
        ring.set_function_key("Other", "f", "another");

        for (function, valid) in [("Mine", "function"), ("Other", "another")] {
            for key in ["function", "another"] {
                let is_known = ring.caller(Some(key), Some(function)) != Caller::Anonymous;
                assert_eq!(is_known, key == valid, "{key} for {function}");
            }
        }
        assert_eq!(ring.caller(Some("function"), None), Caller::Anonymous);
    }
}
