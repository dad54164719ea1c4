//! A tenant of Microsoft Entra ID that issues tokens; the system tests use this file too.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use stand_ins::api_management::{EntraId, SigningKey};

pub const TENANT: &str = "11111111-1111-1111-1111-111111111111";
pub const CLIENT: &str = "22222222-2222-2222-2222-222222222222";
pub const AUDIENCE: &str = "api://patient-records";

/// The signing key of these tests.
fn key() -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(include_bytes!("testdata/token_key.pk8")).unwrap()
}

/// What a gateway requires.
pub fn requirement() -> EntraId {
    EntraId {
        tenant_id: TENANT.to_owned(),
        client_application_ids: vec!["another".to_owned(), CLIENT.to_owned()],
        audience: AUDIENCE.to_owned(),
    }
}

/// The public half of the signing key, as Entra ID publishes it.
pub fn signing_key() -> SigningKey {
    let public = PublicKeyComponents::<Vec<u8>>::from(key().public());
    SigningKey {
        id: "key-1".to_owned(),
        modulus: BASE64_URL_SAFE_NO_PAD.encode(public.n),
        exponent: BASE64_URL_SAFE_NO_PAD.encode(public.e),
    }
}

/// A token with members of its header and of its claims added or replaced.
pub fn token(header: Value, claims: Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let own_header = json!({ "typ": "JWT", "alg": "RS256", "kid": "key-1" });
    let own_claims = json!({
        "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
        "aud": AUDIENCE, "azp": CLIENT, "sub": "nurse-1", "nbf": now - 60, "exp": now + 60,
    });
    let encoded = |mut own: Value, other: Value| {
        own.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        BASE64_URL_SAFE_NO_PAD.encode(own.to_string())
    };
    let signed = format!("{}.{}", encoded(own_header, header), encoded(own_claims, claims));
    let key = key();
    let mut signature = vec![0; key.public().modulus_len()];
    let random = SystemRandom::new();
    key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}
