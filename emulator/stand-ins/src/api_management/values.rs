//! What fills the policy files, where Terraform has variables and locals.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::products::{Product, Products};

/// Values by their names.
pub(super) type Values = Map<String, Value>;

/// What fills each file.
pub(super) struct FileValues {
    /// For all but the policy of products.
    pub(super) shared: Values,
    /// For the policy of each product, by its id.
    pub(super) products: Vec<(String, Values)>,
}

/// The values that are chosen for each environment.
#[derive(Clone, Debug)]
pub struct PolicyValues {
    /// The address of the host key in Key Vault, without a version.
    pub secret_uri: String,
    /// How many calls a minute a subscription may make, unless its product says.
    pub rate_limit_per_minute: u64,
    /// How many calls a day a subscription may make, unless its product says.
    pub quota_per_day: u64,
    /// Whose tokens are demanded; without it, none are.
    pub entra_id: Option<EntraId>,
}

/// Which tokens of Microsoft Entra ID are good.
#[derive(Clone, Debug, Serialize)]
pub struct EntraId {
    /// The tenant that issues them.
    pub tenant_id: String,
    /// The applications that may use them.
    pub client_application_ids: Vec<String>,
    /// For whom they are.
    pub audience: String,
}

impl FileValues {
    /// What Terraform would make of these choices for an API with this document.
    pub(super) fn new(values: &PolicyValues, products: &Products, openapi: &Value) -> Self {
        let of_products = products.products.iter();
        Self {
            shared: values.shared(products, openapi),
            products: of_products
                .map(|(id, product)| (id.clone(), values.of_product(product)))
                .collect(),
        }
    }
}

impl PolicyValues {
    /// For a gateway whose callers nobody counts and who need no token.
    pub fn unlimited(secret_uri: String) -> Self {
        let calls = 1_000_000_000;
        Self { secret_uri, rate_limit_per_minute: calls, quota_per_day: calls, entra_id: None }
    }

    /// What fills the files of the API and all fragments. What is no choice has the value that
    /// `terraform/api_management.tf` has.
    fn shared(&self, products: &Products, openapi: &Value) -> Values {
        let values = json!({
            "body_bytes_max": 1_048_576,
            "cache_key": "patient-api-key",
            "cache_seconds_max": 3600,
            "entra_id": self.entra_id,
            "health_only_products": products.health_only(),
            "operations": health_operations(openapi),
            "secret_uri": self.secret_uri,
        });
        named(values)
    }

    fn of_product(&self, product: &Product) -> Values {
        let mut values = named(json!(product));
        let per_minute = product.calls_per_minute.unwrap_or(self.rate_limit_per_minute);
        let per_day = product.calls_per_day.unwrap_or(self.quota_per_day);
        values.insert("calls_per_minute".to_owned(), per_minute.into());
        values.insert("calls_per_day".to_owned(), per_day.into());
        values.insert("rate_limit_per_minute".to_owned(), per_minute.into());
        values.insert("quota_per_day".to_owned(), per_day.into());
        values
    }
}

/// The ids of GET and HEAD `/health`.
fn health_operations(openapi: &Value) -> Vec<&str> {
    let methods = &openapi["paths"]["/health"];
    let ids = ["get", "head"].into_iter().map(|method| methods[method]["operationId"].as_str());
    ids.flatten().collect()
}

fn named(values: Value) -> Values {
    match values {
        Value::Object(values) => values,
        _ => Values::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_choice_has_the_value_that_terraform_gives_it() {
        let terraform = include_str!("../../../../terraform/api_management.tf");
        let lines: Vec<Vec<_>> =
            terraform.lines().map(|line| line.split_whitespace().collect()).collect();

        let values =
            PolicyValues::unlimited(String::new()).shared(&Products::deployed(), &Value::Null);

        for name in ["body_bytes_max", "cache_seconds_max"] {
            let assignments = lines.iter().filter(|line| line.first() == Some(&name));
            let assigned: Vec<_> = assignments.map(|line| line[2..].concat()).collect();
            assert_eq!(assigned, [values[name].to_string()], "{name}");
        }
    }
}
