//! The internal cache of values
//! (<https://learn.microsoft.com/azure/api-management/cache-store-value-policy>).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Values by key, with their expiry. Empty at each start, as the internal cache may be at any time.
#[derive(Default)]
pub(super) struct Cache {
    values: Mutex<HashMap<String, (String, Instant)>>,
}

impl Cache {
    pub(super) fn lookup(&self, key: &str) -> Option<String> {
        let values = self.values();
        let (value, end) = values.get(key)?;
        (Instant::now() < *end).then(|| value.clone())
    }

    /// Asynchronous in Azure; here the value is available at once.
    pub(super) fn store(&self, key: &str, value: String, duration: Duration) {
        self.values().insert(key.to_owned(), (value, Instant::now() + duration));
    }

    pub(super) fn remove(&self, key: &str) {
        self.values().remove(key);
    }

    fn values(&self) -> MutexGuard<'_, HashMap<String, (String, Instant)>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_value_is_there_until_it_expires_or_is_removed() {
        let cache = Cache::default();
        let hour = Duration::from_secs(3600);
        assert_eq!(cache.lookup("key"), None);

        cache.store("key", "first".to_owned(), hour);
        tokio::time::advance(hour - Duration::from_secs(1)).await;
        assert_eq!(cache.lookup("key").as_deref(), Some("first"));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(cache.lookup("key"), None);

        cache.store("key", "second".to_owned(), hour);
        cache.remove("key");
        assert_eq!(cache.lookup("key"), None);
    }
}
