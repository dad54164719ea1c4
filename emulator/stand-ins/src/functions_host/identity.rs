//! The caller's identity in the payload: a serialised .NET `ClaimsIdentity`
//! (`AuthenticationLevelHandler.cs`, `SecurityConstants.cs`).

use serde::Serialize;

use super::keys::{Caller, Level};

/// A serialised identity; the members of type `()` are always null.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Identity<'a> {
    authentication_type: Option<&'static str>,
    is_authenticated: bool,
    actor: (),
    bootstrap_context: (),
    claims: Vec<Claim<'a>>,
    label: (),
    name: (),
    name_claim_type: &'static str,
    role_claim_type: &'static str,
}

/// A claim; its type is a URI.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Claim<'a> {
    issuer: &'static str,
    original_issuer: &'static str,
    properties: Properties,
    r#type: &'static str,
    value: &'a str,
    value_type: &'static str,
}

#[derive(Serialize)]
struct Properties {}

impl<'a> From<&'a Caller> for Identity<'a> {
    fn from(caller: &'a Caller) -> Self {
        let claims = match caller {
            Caller::Anonymous => Vec::new(),
            Caller::Key { level, name } => vec![
                claim(
                    "http://schemas.microsoft.com/2017/07/functions/claims/authlevel",
                    level_name(*level),
                ),
                claim("http://schemas.microsoft.com/2017/07/functions/claims/invoke", "true"),
                claim("http://schemas.microsoft.com/2017/07/functions/claims/keyid", name),
            ],
        };
        Self {
            authentication_type: (!claims.is_empty()).then_some("WebJobsAuthLevel"),
            is_authenticated: !claims.is_empty(),
            actor: (),
            bootstrap_context: (),
            claims,
            label: (),
            name: (),
            name_claim_type: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
            role_claim_type: "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
        }
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Admin => "Admin",
        Level::Function => "Function",
    }
}

fn claim<'a>(r#type: &'static str, value: &'a str) -> Claim<'a> {
    Claim {
        issuer: "LOCAL AUTHORITY",
        original_issuer: "LOCAL AUTHORITY",
        properties: Properties {},
        r#type,
        value,
        value_type: "http://www.w3.org/2001/XMLSchema#string",
    }
}
