//! Function keys.

use serde_json::json;

use crate::app::{App, Plan, invocation, sent};

async fn guarded() -> App {
    Plan::new()
        .function("Echo", "echo")
        .binding("Guarded", json!({ "route": "guarded" }))
        .binding("Other", json!({ "route": "other" }))
        .binding("Owned", json!({ "route": "owned", "authLevel": "admin" }))
        .start()
        .await
}

/// Asserts an empty 401 and that the handler was not called.
async fn assert_refused(app: &App, request: reqwest::RequestBuilder, why: &str) {
    let calls = app.noted("requests").len();
    let refused = sent(request).await;

    assert_eq!(refused.parts(), (401, None, ""), "{why}");
    assert_eq!(refused.header("www-authenticate"), None, "{why}");
    assert_eq!(app.noted("requests").len(), calls, "{why}");
}

#[tokio::test]
async fn the_keys_of_function_and_host_and_the_master_key_are_accepted() {
    let app = guarded().await;

    for key in ["function-key", "host-key", "master-key"] {
        invocation(app.get("/api/guarded").header("x-functions-key", key)).await;
        invocation(app.get(&format!("/api/guarded?code={key}"))).await;
    }
    for key in ["wrong", "HOST-KEY", ""] {
        let request = app.get("/api/guarded").header("x-functions-key", key);
        assert_refused(&app, request, key).await;
    }
    assert_refused(&app, app.get("/api/guarded"), "no key").await;
}

#[tokio::test]
async fn the_key_of_a_function_is_valid_for_no_other() {
    let app = guarded().await;
    let request = |path: &str| app.get(path).header("x-functions-key", "function-key");

    assert_refused(&app, request("/api/other"), "another function").await;
    assert_refused(&app, request("/admin/host/status"), "no function").await;
    invocation(app.get("/api/other").header("x-functions-key", "host-key")).await;
}

#[tokio::test]
async fn the_header_takes_precedence_even_when_it_is_wrong() {
    let app = guarded().await;
    let target = "/api/guarded?code=host-key";

    for key in ["wrong", ""] {
        assert_refused(&app, app.get(target).header("x-functions-key", key), key).await;
    }
    assert_refused(&app, app.get("/api/guarded?code=x&code=host-key"), "second").await;
}

#[tokio::test]
async fn an_anonymous_function_ignores_keys() {
    let app = guarded().await;

    let request = app.get("/api/echo").header("x-functions-key", "wrong");

    let identities = invocation(request).await.request()["Identities"].clone();
    assert_eq!(identities.as_array().unwrap().len(), 1);
    assert_eq!(identities[0]["AuthenticationType"], json!(null));
    assert_eq!(identities[0]["IsAuthenticated"], false);
    assert_eq!(identities[0]["Claims"], json!([]));
}

#[tokio::test]
async fn an_admin_function_requires_the_master_key() {
    let app = guarded().await;

    assert_refused(&app, app.get("/api/owned?code=host-key"), "host key").await;
    invocation(app.get("/api/owned?code=master-key")).await;
}

#[tokio::test]
async fn the_handler_receives_the_identity_of_the_key() {
    let app = guarded().await;

    for (key, level, name) in [
        ("function-key", "Function", "own"),
        ("host-key", "Function", "default"),
        ("master-key", "Admin", "master"),
    ] {
        let request = app.get("/api/guarded").header("x-functions-key", key);
        let invocation = invocation(request).await;

        let request = invocation.request();
        assert_eq!(request["Headers"]["x-functions-key"], json!([key]));
        let identity = &request["Identities"][0];
        assert_eq!(identity["AuthenticationType"], "WebJobsAuthLevel");
        assert_eq!(identity["IsAuthenticated"], true);
        let claims: Vec<_> = identity["Claims"]
            .as_array()
            .unwrap()
            .iter()
            .map(|claim| (claim["Type"].as_str().unwrap(), claim["Value"].as_str().unwrap()))
            .collect();
        let namespace = "http://schemas.microsoft.com/2017/07/functions/claims";
        assert_eq!(
            claims,
            [
                (format!("{namespace}/authlevel").as_str(), level),
                (format!("{namespace}/invoke").as_str(), "true"),
                (format!("{namespace}/keyid").as_str(), name),
            ]
        );
    }
}

#[tokio::test]
async fn admin_endpoints_require_the_master_key() {
    let app = guarded().await;
    let status = "/admin/host/status";

    assert_refused(&app, app.get(status), "no key").await;
    assert_refused(&app, app.get(status).header("x-functions-key", "wrong"), "wrong").await;
    let lesser = sent(app.get(status).header("x-functions-key", "host-key")).await;
    assert_eq!(lesser.parts(), (403, None, ""));
    assert_eq!(sent(app.get("/admin/host/ping")).await.status, 200);
}

#[tokio::test]
async fn a_key_can_be_replaced_while_the_host_runs() {
    let app = guarded().await;

    app.host.keys().set_host_key("default", "new-key");

    assert_refused(&app, app.get("/api/guarded?code=host-key"), "old key").await;
    invocation(app.get("/api/guarded?code=new-key")).await;
}

#[tokio::test]
async fn a_function_may_have_two_keys_while_one_replaces_the_other() {
    let app = guarded().await;
    let keys = app.host.keys();

    keys.set_function_key("Guarded", "next", "next-key");
    invocation(app.get("/api/guarded?code=function-key")).await;
    invocation(app.get("/api/guarded?code=next-key")).await;

    keys.remove_function_key("Guarded", "own");
    assert_refused(&app, app.get("/api/guarded?code=function-key"), "old key").await;
    invocation(app.get("/api/guarded?code=next-key")).await;
}
