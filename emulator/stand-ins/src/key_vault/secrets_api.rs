//! The vault's data plane: `GET /secrets/{name}[/{version}]` (Key Vault REST API, "Get Secret").

use hyper::header::{HeaderName, HeaderValue, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use super::server::{HttpResponse, json_response, query_parameter};
use super::vault::{Denial, Vault, Version};

/// The audience of tokens; a client checks that the vault's host name ends with it.
pub(super) const RESOURCE: &str = "https://vault.localhost";

/// The supported API versions.
const API_VERSIONS: [&str; 8] = ["7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01"];

/// Responds to a request to the vault at `url`.
pub(super) fn respond(vault: &Vault, url: &str, parts: &Parts) -> HttpResponse {
    let token = bearer_token(&parts.headers);
    if token.is_none() {
        return unauthorized("AKV10000: Request is missing a Bearer or PoP token.");
    }
    match query_parameter(&parts.uri, "api-version").as_deref() {
        Some(version) if API_VERSIONS.contains(&version) => {}
        Some(_) => {
            let message = "The specified version is not recognized.";
            return error(StatusCode::BAD_REQUEST, "BadParameter", message);
        }
        None => {
            let message = "A required query parameter 'api-version' was not specified.";
            return error(StatusCode::BAD_REQUEST, "BadParameter", message);
        }
    }
    let mut segments = parts.uri.path().trim_matches('/').split('/');
    let (collection, name, version) = (segments.next(), segments.next(), segments.next());
    let (Some("secrets"), Some(name), None) = (collection, name, segments.next()) else {
        return error(StatusCode::NOT_FOUND, "NotFound", "There is nothing here.");
    };
    if parts.method != Method::GET {
        let message = "This stand-in supports reading secrets only.";
        return error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message);
    }
    match vault.read(token, name, version) {
        Ok(version) => json_response(StatusCode::OK, &secret(url, name, &version)),
        Err(Denial::Unauthorized) => {
            unauthorized("AKV10022: Invalid audience, or the token is expired or unknown.")
        }
        Err(Denial::Forbidden) => forbidden(),
        Err(Denial::NotFound) => {
            let message = "A secret with that name or version was not found in this key vault.";
            error(StatusCode::NOT_FOUND, "SecretNotFound", message)
        }
    }
}

fn secret(url: &str, name: &str, version: &Version) -> Value {
    json!({
        "value": version.value,
        "id": format!("{url}/secrets/{name}/{}", version.id),
        "attributes": {
            "enabled": true,
            "created": version.created,
            "updated": version.created,
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": 90,
        },
        "tags": {},
    })
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(HeaderName::from_static("authorization"))?.to_str().ok()?;
    value.strip_prefix("Bearer ").filter(|token| !token.is_empty())
}

fn unauthorized(message: &str) -> HttpResponse {
    let mut response = error(StatusCode::UNAUTHORIZED, "Unauthorized", message);
    let challenge = format!(
        r#"Bearer authorization="https://login.localhost/00000000-0000-0000-0000-000000000001", resource="{RESOURCE}""#
    );
    if let Ok(challenge) = HeaderValue::try_from(challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

fn forbidden() -> HttpResponse {
    let body = json!({ "error": {
        "code": "Forbidden",
        "message": "Caller is not authorized to perform action on resource.",
        "innererror": { "code": "ForbiddenByRbac" },
    }});
    json_response(StatusCode::FORBIDDEN, &body)
}

fn error(status: StatusCode, code: &str, message: &str) -> HttpResponse {
    json_response(status, &json!({ "error": { "code": code, "message": message } }))
}
