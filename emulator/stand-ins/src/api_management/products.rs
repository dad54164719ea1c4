//! The products of `terraform/products.json`, from which Terraform makes the deployed ones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

const DEPLOYED: &str = include_str!("../../../../terraform/products.json");

/// What can be subscribed to, and the subscriptions that there are from the start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Products {
    /// By their id.
    pub products: BTreeMap<String, Product>,
    /// By their id.
    pub subscriptions: BTreeMap<String, FirstSubscription>,
}

/// A way to use the API. The policy of products is rendered with these values.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Its name for people.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// How many calls a minute each subscription may make; none for the number that is chosen for
    /// the environment.
    pub calls_per_minute: Option<u64>,
    /// The same for a day.
    pub calls_per_day: Option<u64>,
    /// Whether it is for `/health` and nothing else.
    pub health_only: bool,
}

/// A subscription that is there from the start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstSubscription {
    /// Its name for people.
    pub display_name: String,
    /// The id of its product.
    pub product: String,
}

impl Products {
    /// The products as they are deployed.
    ///
    /// # Panics
    /// If the file is not as it must be, which a test would have noticed.
    pub fn deployed() -> Self {
        serde_json::from_str(DEPLOYED).expect("a test has read it")
    }

    /// The ids of those that are for `/health` and nothing else.
    pub(super) fn health_only(&self) -> Vec<&str> {
        let products = self.products.iter().filter(|(_, product)| product.health_only);
        products.map(|(id, _)| id.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_product_has_one_first_subscription() {
        let Products { products, subscriptions } = Products::deployed();

        let mut subscribed: Vec<_> = subscriptions.values().map(|first| &first.product).collect();
        subscribed.sort();
        assert_eq!(subscribed, products.keys().collect::<Vec<_>>());
    }
}
