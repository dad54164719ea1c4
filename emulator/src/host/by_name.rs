//! Values by name, in the order in which the names first came, whatever their letter case.

use indexmap::IndexMap;
use indexmap::map::Entry;
use serde::{Serialize, Serializer};

/// Each name as it first came, with its value, found by the name in lower case.
pub(super) struct ByName<N, V>(IndexMap<String, (N, V)>);

impl<N: AsRef<str>, V> ByName<N, V> {
    pub(super) fn new() -> Self {
        Self(IndexMap::new())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(&name.to_ascii_lowercase())
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
