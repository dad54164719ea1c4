//! Values by name, in the order in which the names first came, whatever their letter case.

use indexmap::IndexMap;
use indexmap::map::Entry;
use serde::{Serialize, Serializer};

/// Each name as it first came, with its value, found by the name in lower case.
#[derive(Clone)]
pub(super) struct ByName<N, V>(IndexMap<String, (N, V)>);

impl<N: AsRef<str>, V> ByName<N, V> {
    pub(super) fn new() -> Self {
        Self(IndexMap::new())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn get(&self, name: &str) -> Option<&V> {
        self.0.get(&name.to_ascii_lowercase()).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&N, &V)> {
        self.0.values().map(|(name, value)| (name, value))
    }

    /// Adds a value, or changes what is there under this name.
    pub(super) fn add(&mut self, name: N, value: V, change: impl FnOnce(&mut V, V)) {
        match self.0.entry(name.as_ref().to_ascii_lowercase()) {
            Entry::Occupied(mut taken) => change(&mut taken.get_mut().1, value),
            Entry::Vacant(free) => {
                free.insert((name, value));
            }
        }
    }

    /// Adds a value, or changes what is there under this name, which gets this spelling.
    pub(super) fn add_respelt(&mut self, name: N, value: V, change: impl FnOnce(&mut V, V)) {
        match self.0.entry(name.as_ref().to_ascii_lowercase()) {
            Entry::Occupied(mut taken) => {
                let (spelling, earlier) = taken.get_mut();
                *spelling = name;
                change(earlier, value);
            }
            Entry::Vacant(free) => {
                free.insert((name, value));
            }
        }
    }

    /// Adds a value, or puts it in the place of what is there under this name.
    pub(super) fn set(&mut self, name: N, value: V) {
        self.add(name, value, |earlier, later| *earlier = later);
    }
}

impl<N: Serialize, V: Serialize> Serialize for ByName<N, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.values().map(|(name, value)| (name, value)))
    }
}
