//! `validate-azure-ad-token`: tokens of Microsoft Entra ID
//! (<https://learn.microsoft.com/azure/api-management/validate-azure-ad-token-policy>).

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Deserialize;
use serde_json::Value;

use super::error::Failure;

/// The requirements for a token.
#[derive(Clone, Debug)]
pub(super) struct TokenRules {
    pub(super) tenant: String,
    /// The variable that gets the token.
    pub(super) variable: String,
    pub(super) client_applications: Vec<String>,
    pub(super) audiences: Vec<String>,
}

/// A signing key of Microsoft Entra ID, as published.
#[derive(Clone, Debug, Deserialize)]
pub struct SigningKey {
    /// Its id, which a token's header repeats.
    #[serde(rename = "kid")]
    pub id: String,
    /// The modulus, in unpadded base64url.
    #[serde(rename = "n")]
    pub modulus: String,
    /// The public exponent, in unpadded base64url.
    #[serde(rename = "e")]
    pub exponent: String,
}

/// A validated token, as expressions see it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Jwt {
    pub(super) subject: Option<String>,
    /// The claim `azp`, or without it `appid`.
    pub(super) client_application: String,
    /// The claim `roles`, with commas between several; `None` without it and without roles.
    pub(super) roles: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Value,
    exp: u64,
    #[serde(default)]
    nbf: u64,
    sub: Option<String>,
    /// The client application, in tokens of version 1.
    appid: Option<String>,
    /// The client application, in tokens of version 2.
    azp: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

impl TokenRules {
    /// Validates the token in `Authorization`.
    pub(super) fn check(&self, headers: &HeaderMap, keys: &[SigningKey]) -> Result<Jwt, Failure> {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(bearer);
        let token = token.ok_or_else(|| Failure::token("TokenNotPresent", "JWT not present."))?;
        let malformed = || Failure::token("JwtInvalid", "The token is malformed.");
        let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let header: Header = decoded(header).ok_or_else(malformed)?;
        verify(&header, signed, signature, keys)?;
        let claims: Claims = decoded(claims).ok_or_else(malformed)?;
        self.check_claims(&claims, seconds_since_1970())?;
        let client_application = claims.azp.or(claims.appid).unwrap_or_default();
        let roles = (!claims.roles.is_empty()).then(|| claims.roles.join(","));
        Ok(Jwt { subject: claims.sub, client_application, roles })
    }

    fn check_claims(&self, claims: &Claims, now: u64) -> Result<(), Failure> {
        let tenant = &self.tenant;
        let issuers = [
            format!("https://sts.windows.net/{tenant}/"),
            format!("https://login.microsoftonline.com/{tenant}/v2.0"),
        ];
        if !issuers.contains(&claims.iss) {
            return Err(Failure::token("TokenIssuerNotAllowed", "Another issuer. Access denied."));
        }
        let is_for = |audience: &String| match &claims.aud {
            Value::Array(audiences) => audiences.iter().any(|own| own == audience),
            own => own == audience,
        };
        if !self.audiences.iter().any(is_for) {
            let message = "Another audience. Access denied.";
            return Err(Failure::token("TokenAudienceNotAllowed", message));
        }
        let client = claims.azp.as_ref().or(claims.appid.as_ref());
        if !client.is_some_and(|client| self.client_applications.contains(client)) {
            let message = "Another client application. Access denied.";
            return Err(Failure::token("TokenClaimValueNotAllowed", message));
        }
        if now < claims.nbf {
            return Err(Failure::token("JwtInvalid", "Not valid yet. Access denied."));
        }
        if now >= claims.exp {
            return Err(Failure::token("TokenExpired", "Expired. Access denied."));
        }
        Ok(())
    }
}

/// Entra ID signs with RS256; no other algorithm is accepted.
fn verify(
    header: &Header,
    signed: &str,
    signature: &str,
    keys: &[SigningKey],
) -> Result<(), Failure> {
    let invalid = || Failure::token("TokenSignatureInvalid", "Wrong signature. Access denied.");
    if header.alg != "RS256" {
        return Err(invalid());
    }
    let key = keys.iter().find(|key| Some(&key.id) == header.kid.as_ref());
    let key = key.ok_or_else(|| {
        Failure::token("TokenSignatureKeyNotFound", "An unknown key. Access denied.")
    })?;
    let bytes = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid());
    let key = RsaPublicKeyComponents { n: bytes(&key.modulus)?, e: bytes(&key.exponent)? };
    key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &bytes(signature)?)
        .map_err(|_| invalid())
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

fn decoded<T: for<'d> Deserialize<'d>>(part: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
