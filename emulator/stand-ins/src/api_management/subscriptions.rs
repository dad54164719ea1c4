//! Authenticates requests by subscription key.

use std::sync::Arc;

use hyper::HeaderMap;

use super::error::Failure;
use super::query;

const HEADER: &str = "ocp-apim-subscription-key";
const PARAMETER: &str = "subscription-key";

/// A subscription to a product.
#[derive(Clone)]
pub struct Subscription {
    /// Its id, which the apps receive.
    pub id: String,
    /// Its display name, which the apps receive as the organisation.
    pub name: String,
    /// The id of its product.
    pub product: String,
    /// Its key.
    pub key: String,
}

/// All subscriptions.
pub(super) struct Subscriptions(Vec<Arc<Subscription>>);

impl Subscriptions {
    pub(super) fn new(subscriptions: Vec<Subscription>) -> Self {
        Self(subscriptions.into_iter().map(Arc::new).collect())
    }

    /// The subscription of the key in the header, or without that header, of the key in the query
    /// (<https://learn.microsoft.com/azure/api-management/api-management-subscriptions>).
    ///
    /// # Errors
    /// If the key is missing or unknown; `url` is that of the API.
    pub(super) fn authenticate(
        &self,
        headers: &HeaderMap,
        query: Option<&str>,
        url: &str,
    ) -> Result<Arc<Subscription>, Failure> {
        let presented = match headers.get(HEADER) {
            Some(key) => Some(String::from_utf8_lossy(key.as_bytes()).into_owned()),
            None => query.and_then(|query| query::value(query, PARAMETER)),
        };
        let Some(presented) = presented.filter(|key| !key.is_empty()) else {
            return Err(Failure::subscription_key_not_found(url));
        };
        let found = self.0.iter().find(|subscription| subscription.key == presented);
        found.cloned().ok_or_else(|| Failure::subscription_key_invalid(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authenticate(header: Option<&str>, query: Option<&str>) -> Result<String, &'static str> {
        let subscriptions = Subscriptions::new(vec![Subscription {
            id: "clinic-7".to_owned(),
            name: "Clinic 7".to_owned(),
            product: "patient-records".to_owned(),
            key: "good".to_owned(),
        }]);
        let headers =
            header.map(|key| (HEADER.parse().expect("a name"), key.parse().expect("a key")));
        let found =
            subscriptions.authenticate(&headers.into_iter().collect(), query, "http://gateway");
        found.map(|subscription| subscription.id.clone()).map_err(|failure| failure.error.reason)
    }

    #[test]
    fn a_key_in_the_header_takes_precedence_over_one_in_the_query() {
        const MISSING: Result<&str, &str> = Err("SubscriptionKeyNotFound");
        const INVALID: Result<&str, &str> = Err("SubscriptionKeyInvalid");
        for (header, query, wanted) in [
            (Some("good"), None, Ok("clinic-7")),
            (None, Some("a=1&subscription-key=good"), Ok("clinic-7")),
            (Some("bad"), Some("subscription-key=good"), INVALID),
            (Some(""), Some("subscription-key=good"), MISSING),
            (None, Some("subscription-key="), MISSING),
            (None, Some("subscription-key=bad"), INVALID),
            (None, None, MISSING),
        ] {
            assert_eq!(
                authenticate(header, query),
                wanted.map(str::to_owned),
                "{header:?} {query:?}"
            );
        }
    }
}
