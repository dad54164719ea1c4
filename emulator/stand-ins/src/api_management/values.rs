//! The values for the policy files, which Terraform takes from variables and locals.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::products::{Product, Products};

/// Values by their names.
pub(super) type Values = Map<String, Value>;

/// The values of each file.
pub(super) struct FileValues {
    /// For all files except the product policy.
    pub(super) shared: Values,
    /// For the product policy, by product id.
    pub(super) products: Vec<(String, Values)>,
}

/// The values that differ between environments.
#[derive(Clone, Debug)]
pub struct PolicyValues {
    /// The URI of the host key in Key Vault, without a version.
    pub secret_uri: String,
    /// The rate limit per minute and subscription, unless the product sets one.
    pub rate_limit_per_minute: u64,
    /// The quota per day and subscription, unless the product sets one.
    pub quota_per_day: u64,
    /// The tokens that are required, if any.
    pub entra_id: Option<EntraId>,
}

/// The accepted tokens of Microsoft Entra ID.
#[derive(Clone, Debug, Serialize)]
pub struct EntraId {
    /// The issuing tenant.
    pub tenant_id: String,
    /// The client applications.
    pub client_application_ids: Vec<String>,
    /// The audience.
    pub audience: String,
}

impl FileValues {
    /// Computes the values as Terraform does.
    pub(super) fn new(values: &PolicyValues, products: &Products, openapi: &Value) -> Self {
        let by_id = products.products.iter();
        Self {
            shared: values.shared(products, openapi),
            products: by_id
                .map(|(id, product)| (id.clone(), values.for_product(product)))
                .collect(),
        }
    }
}

impl PolicyValues {
    /// For a gateway without effective limits and without tokens.
    pub fn unlimited(secret_uri: String) -> Self {
        let calls = 1_000_000_000;
        Self { secret_uri, rate_limit_per_minute: calls, quota_per_day: calls, entra_id: None }
    }

    /// The values for the API policy and all fragments. Constants are those of
    /// `terraform/api_management.tf`.
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
        into_map(values)
    }

    fn for_product(&self, product: &Product) -> Values {
        let mut values = into_map(json!(product));
        let per_minute = product.calls_per_minute.unwrap_or(self.rate_limit_per_minute);
        let per_day = product.calls_per_day.unwrap_or(self.quota_per_day);
        values.insert("calls_per_minute".to_owned(), per_minute.into());
        values.insert("calls_per_day".to_owned(), per_day.into());
        let scopes = match &product.scopes[..] {
            [] => "none".to_owned(),
            scopes => scopes.join(" "),
        };
        values.insert("scopes".to_owned(), scopes.into());
        values
    }
}

/// The ids of GET and HEAD `/health`.
fn health_operations(openapi: &Value) -> Vec<&str> {
    let methods = &openapi["paths"]["/health"];
    let ids = ["get", "head"].into_iter().map(|method| methods[method]["operationId"].as_str());
    ids.flatten().collect()
}

fn into_map(values: Value) -> Values {
    match values {
        Value::Object(values) => values,
        _ => Values::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_equal_those_of_terraform() {
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
