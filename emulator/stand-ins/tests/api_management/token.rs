//! Tokens of Microsoft Entra ID, which the gateway can require.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::Response;
use serde_json::json;
use stand_ins::api_management::ApiManagementOptions;

use crate::backend::forwarded;
use crate::issuer::{AUDIENCE, CLIENT, TENANT, requirement, signing_key, token};
use crate::stack::{Stack, problem};

/// Requires tokens.
pub fn demand(options: &mut ApiManagementOptions) {
    options.signing_keys = vec![signing_key()];
    options.values.entra_id = Some(requirement());
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

#[tokio::test]
async fn the_roles_are_those_of_the_token() {
    let stack = Stack::echoing(demand).await;
    for (claims, roles) in [
        (json!({ "roles": ["patient.read", "test.read"] }), "patient.read,test.read"),
        (json!({ "roles": ["patient.read"] }), "patient.read"),
        (json!({ "roles": [] }), "none"),
        (json!({}), "none"),
    ] {
        let authorization = format!("Bearer {}", token(json!({}), claims));
        let call = stack.call("GET", "/patient/1").header("Authorization", authorization);

        let seen = forwarded(call.header("X-Caller-Roles", "audit.read")).await;

        assert_eq!(seen["headers"]["x-caller-roles"], json!([roles]));
    }
    let watching = stack.call_with("watching", "GET", "/health");
    let seen = forwarded(watching.header("X-Caller-Roles", "audit.read")).await;
    assert_eq!(seen["headers"].get("x-caller-roles"), None, "there is no token");
}
