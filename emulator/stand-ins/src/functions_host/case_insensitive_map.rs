//! A map with case-insensitive names that keeps their order and spelling.

use indexmap::IndexMap;
use indexmap::map::Entry;
use serde::{Serialize, Serializer};

/// The original spelling and the value, by the name in lower case.
#[derive(Clone)]
pub(super) struct CaseInsensitiveMap<N, V>(IndexMap<String, (N, V)>);

impl<N: AsRef<str>, V> CaseInsensitiveMap<N, V> {
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

    /// Inserts a value, or merges it into the existing one.
    pub(super) fn merge(&mut self, name: N, value: V, merge_values: impl FnOnce(&mut V, V)) {
        match self.0.entry(name.as_ref().to_ascii_lowercase()) {
            Entry::Occupied(mut existing) => merge_values(&mut existing.get_mut().1, value),
            Entry::Vacant(vacant) => {
                vacant.insert((name, value));
            }
        }
    }

    /// Inserts a value, or merges it into the existing one and takes over the new spelling.
    pub(super) fn merge_respelt(
        &mut self,
        name: N,
        value: V,
        merge_values: impl FnOnce(&mut V, V),
    ) {
        match self.0.entry(name.as_ref().to_ascii_lowercase()) {
            Entry::Occupied(mut existing) => {
                let (spelling, earlier) = existing.get_mut();
                *spelling = name;
                merge_values(earlier, value);
            }
            Entry::Vacant(vacant) => {
                vacant.insert((name, value));
            }
        }
    }

    /// Inserts a value, or replaces the existing one.
    pub(super) fn set(&mut self, name: N, value: V) {
        self.merge(name, value, |earlier, later| *earlier = later);
    }
}

impl<N: Serialize, V: Serialize> Serialize for CaseInsensitiveMap<N, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.values().map(|(name, value)| (name, value)))
    }
}
