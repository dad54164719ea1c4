//! The token endpoint of App Service ("How to use managed identities for App Service and Azure
//! Functions", section "REST endpoint reference").

use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::json;

use super::secrets_api::RESOURCE;
use super::server::{HttpResponse, json_response, query_parameter};
use super::vault::Vault;

pub(super) const PATH: &str = "/msi/token";

const API_VERSION: &str = "2019-08-01";

/// The resource of tokens for Azure's vaults; policies use it for a vault of any name.
const AZURE_RESOURCE: &str = "https://vault.azure.net";

/// Issues a token; `X-IDENTITY-HEADER` identifies the site.
pub(super) fn respond(vault: &Vault, parts: &Parts) -> HttpResponse {
    if (&parts.method, parts.uri.path()) != (&Method::GET, PATH) {
        return refusal(StatusCode::NOT_FOUND, "There is nothing here.");
    }
    let header = parts.headers.get("x-identity-header").and_then(|value| value.to_str().ok());
    let Some(identity) = header.and_then(|header| vault.identity_with_header(header)) else {
        return refusal(StatusCode::UNAUTHORIZED, "X-IDENTITY-HEADER is missing or wrong.");
    };
    if query_parameter(&parts.uri, "api-version").as_deref() != Some(API_VERSION) {
        return refusal(StatusCode::BAD_REQUEST, "api-version is missing or not supported.");
    }
    let resource = query_parameter(&parts.uri, "resource").unwrap_or_default();
    let resource = resource.trim_end_matches('/');
    if ![RESOURCE, AZURE_RESOURCE].contains(&resource) {
        return refusal(StatusCode::BAD_REQUEST, "resource is missing or not known.");
    }
    let requested = query_parameter(&parts.uri, "client_id");
    if requested.is_some_and(|requested| requested != identity.client_id) {
        return refusal(StatusCode::BAD_REQUEST, "No managed identity has that client id.");
    }
    let token = vault.new_token(&identity.name);
    let body = json!({
        "access_token": token.text,
        "expires_on": token.expires.to_string(),
        "resource": resource,
        "token_type": "Bearer",
        "client_id": identity.client_id,
    });
    json_response(StatusCode::OK, &body)
}

fn refusal(status: StatusCode, message: &str) -> HttpResponse {
    json_response(status, &json!({ "statusCode": status.as_u16(), "message": message }))
}
