//! The products in `terraform/products.json`, which Terraform deploys.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

const DEPLOYED: &str = include_str!("../../../../terraform/products.json");

/// The products, and the subscriptions that Terraform creates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Products {
    /// The scopes that functions need.
    pub scopes: Vec<String>,
    /// By their id.
    pub products: BTreeMap<String, Product>,
    /// By their id.
    pub subscriptions: BTreeMap<String, FirstSubscription>,
}

/// A product. The product policy is rendered with these values.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// The display name.
    pub display_name: String,
    /// Its purpose.
    pub description: String,
    /// What its subscriptions may do.
    pub scopes: Vec<String>,
    /// The rate limit per minute and subscription; `None` for the environment's.
    pub calls_per_minute: Option<u64>,
    /// The quota per day and subscription; `None` for the environment's.
    pub calls_per_day: Option<u64>,
    /// Whether it allows only `/health`.
    pub health_only: bool,
}

/// A subscription that Terraform creates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstSubscription {
    /// The display name.
    pub display_name: String,
    /// The id of its product.
    pub product: String,
}

impl Products {
    /// The deployed products.
    ///
    /// # Panics
    /// If the file is invalid, which a test prevents.
    pub fn deployed() -> Self {
        serde_json::from_str(DEPLOYED).expect("a test parses the file")
    }

    /// The ids of the products that allow only `/health`.
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
        let Products { products, subscriptions, .. } = Products::deployed();

        let mut subscribed: Vec<_> = subscriptions.values().map(|first| &first.product).collect();
        subscribed.sort();
        assert_eq!(subscribed, products.keys().collect::<Vec<_>>());
    }

    #[test]
    fn products_have_scopes_of_the_list() {
        let Products { scopes, products, .. } = Products::deployed();

        for scope in products.values().flat_map(|product| &product.scopes) {
            assert!(scopes.contains(scope), "{scope}");
        }
    }
}
