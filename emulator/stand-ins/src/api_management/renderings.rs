//! The policy files as rendered here, for `policies_test.py` to compare with Terraform.

use serde::Serialize;
use serde_json::json;

use super::files::{PolicyError, PolicyFiles, file};
use super::products::Products;
use super::scopes::PRODUCT;
use super::values::{EntraId, FileValues, PolicyValues, Values};

/// A rendered policy file and its values.
#[derive(Debug, Serialize)]
pub struct Rendering {
    /// `caller.xml.tftpl`.
    pub file: String,
    /// The values of the template.
    pub values: Values,
    /// The rendered text.
    pub text: String,
}

/// Renders each deployed file twice: with all optional values, and with as few as possible.
///
/// # Errors
/// If a file uses an unsupported part of the template language.
pub fn renderings() -> Result<Vec<Rendering>, PolicyError> {
    let few = PolicyValues::unlimited("https://vault/secrets/key".to_owned());
    let entra_id = EntraId {
        tenant_id: "tenant".to_owned(),
        client_application_ids: vec!["one".to_owned(), "two".to_owned()],
        audience: "api://x".to_owned(),
    };
    let many = PolicyValues { entra_id: Some(entra_id), ..few.clone() };
    let operation = |id: &str| json!({ "operationId": id });
    let health = json!({ "get": operation("Health"), "head": operation("HealthHead") });
    let (files, products) = (PolicyFiles::deployed(), Products::deployed());
    let mut renderings = Vec::new();
    for (values, openapi) in [(few, json!({})), (many, json!({ "paths": { "/health": health } }))] {
        let FileValues { shared, products } = FileValues::new(&values, &products, &openapi);
        let fragments_and_api = files.iter().filter(|(name, _)| *name != PRODUCT);
        let product_files = products.into_iter().map(|(_, values)| (PRODUCT, values));
        for (name, values) in
            fragments_and_api.map(|(name, _)| (name, shared.clone())).chain(product_files)
        {
            let text = files.render(name, &values)?.text;
            renderings.push(Rendering { file: file(name), values, text });
        }
    }
    Ok(renderings)
}
