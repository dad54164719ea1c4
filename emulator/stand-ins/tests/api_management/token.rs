//! Tokens of Microsoft Entra ID, which the gateway can require.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::Response;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use stand_ins::api_management::{ApiManagementOptions, EntraId, SigningKey};

use crate::backend::forwarded;
use crate::stack::{Stack, problem};

const TENANT: &str = "11111111-1111-1111-1111-111111111111";
const CLIENT: &str = "22222222-2222-2222-2222-222222222222";
const AUDIENCE: &str = "api://patient-records";

/// The signing key of these tests.
fn key() -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(include_bytes!("testdata/token_key.pk8")).unwrap()
}

/// Requires tokens signed with this key.
pub fn demand(options: &mut ApiManagementOptions) {
    let public = PublicKeyComponents::<Vec<u8>>::from(key().public());
    options.signing_keys = vec![SigningKey {
        id: "key-1".to_owned(),
        modulus: BASE64_URL_SAFE_NO_PAD.encode(public.n),
        exponent: BASE64_URL_SAFE_NO_PAD.encode(public.e),
    }];
    options.values.entra_id = Some(EntraId {
        tenant_id: TENANT.to_owned(),
        client_application_ids: vec!["another".to_owned(), CLIENT.to_owned()],
        audience: AUDIENCE.to_owned(),
    });
}

/// A token with these claims replaced.
fn token(header: Value, claims: Value) -> String {
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

#[tokio::test]
async fn a_valid_token_identifies_the_user_and_is_not_forwarded() {
    let stack = Stack::echoing(demand).await;
    let version_1 = json!({
        "iss": format!("https://sts.windows.net/{TENANT}/"), "azp": null, "appid": CLIENT,
    });

    for claims in [json!({}), version_1, json!({ "aud": ["other", AUDIENCE] })] {
        let authorization = format!("Bearer {}", token(json!({}), claims));
        let call = stack.call("GET", "/patient/1").header("Authorization", authorization);

        let call = call.header("X-Caller-User", "doctor-1").header("X-Caller-Client", "other");
        let seen = forwarded(call).await;

        assert_eq!(seen["headers"]["x-caller-user"], json!(["nurse-1"]));
        assert_eq!(seen["headers"]["x-caller-client"], json!([CLIENT]));
        assert_eq!(seen["headers"].get("authorization"), None);
    }
}

async fn with(stack: &Stack, authorization: Option<String>) -> Response {
    let call = stack.call("GET", "/patient/1");
    let call = authorization.into_iter().fold(call, |call, it| call.header("Authorization", it));
    call.send().await.unwrap()
}

#[tokio::test]
async fn any_other_token_is_refused() {
    let stack = Stack::echoing(demand).await;
    let bearer = |header, claims| Some(format!("Bearer {}", token(header, claims)));
    let good = token(json!({}), json!({}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let unsigned = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"key-1"}"#);
    let elsewhere = format!("https://sts.windows.net/{CLIENT}/");

    for authorization in [
        None,
        Some(good.clone()),
        Some(format!("Basic {good}")),
        Some("Bearer ".to_owned()),
        Some("Bearer a.b.c".to_owned()),
        Some(format!("Bearer {signed}.")),
        Some(format!("Bearer {unsigned}.{claims}.")),
        Some(format!("Bearer {unsigned}.{claims}.{signature}")),
        Some(format!("Bearer {header}.{}.{signature}", claims.replace('e', "f"))),
        bearer(json!({ "kid": "key-2" }), json!({})),
        bearer(json!({ "kid": null }), json!({})),
        bearer(json!({ "alg": "HS256" }), json!({})),
        bearer(json!({}), json!({ "iss": elsewhere })),
        bearer(json!({}), json!({ "aud": "api://other" })),
        bearer(json!({}), json!({ "azp": "33333333-3333-3333-3333-333333333333" })),
        bearer(json!({}), json!({ "azp": null })),
        bearer(json!({}), json!({ "exp": 1_600_000_000 })),
        bearer(json!({}), json!({ "nbf": 9_999_999_999_u64 })),
    ] {
        let what = format!("{authorization:?}");
        let (status, kind, _) = problem(with(&stack, authorization).await).await;
        assert_eq!((status, kind.as_str()), (401, "unauthorized"), "{what}");
    }
    assert_eq!(with(&stack, bearer(json!({}), json!({}))).await.status(), 201);
}
