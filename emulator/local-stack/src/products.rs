//! The products of the gateway: those of `terraform/products.json`, and one for developers.

use stand_ins::api_management::{FirstSubscription, Product, Products};

/// The id of the developers' product and of its subscription.
pub(super) const DEVELOPER: &str = "developer";

/// The id of the subscription that may ask for `/health` only, which takes no token.
pub(super) const MONITORING: &str = "monitoring";

/// All products. Developers have one key for everything, which no deployed product grants.
pub(super) fn all() -> Products {
    let mut products = Products::deployed();
    let developer = Product {
        display_name: "Developer".to_owned(),
        description: "Everything.".to_owned(),
        scopes: products.scopes.clone(),
        calls_per_minute: None,
        calls_per_day: None,
        health_only: false,
    };
    let subscription =
        FirstSubscription { display_name: "Developer".to_owned(), product: DEVELOPER.to_owned() };
    products.products.insert(DEVELOPER.to_owned(), developer);
    products.subscriptions.insert(DEVELOPER.to_owned(), subscription);
    products
}
