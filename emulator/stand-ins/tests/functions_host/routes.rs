//! Routing.

use serde_json::{Value, json};

use crate::app::{App, Plan, invocation, sent};

async fn called(app: &App, method: &str, target: &str) -> String {
    let response = invocation(app.request(method, target)).await;
    response.echo["path"].as_str().unwrap().trim_start_matches('/').to_owned()
}

/// Asserts an empty 404 and that the handler was not called.
async fn assert_unknown(app: &App, method: &str, target: &str) {
    let calls = app.noted("requests").len();
    let refused = sent(app.request(method, target)).await;

    assert_eq!(refused.parts(), (404, None, ""), "{method} {target}");
    assert_eq!(refused.header("allow"), None, "{method} {target}");
    assert_eq!(app.noted("requests").len(), calls, "{method} {target}");
}

#[tokio::test]
async fn the_alphabetically_first_match_wins() {
    let app = Plan::new()
        .function("GetPatient", "patient/{patientId}")
        .function("SearchPatients", "patient/search")
        .function("FindTest", "test/search")
        .function("getTest", "test/{testId}")
        .start()
        .await;

    assert_eq!(called(&app, "GET", "/api/patient/search").await, "GetPatient");
    assert_eq!(called(&app, "GET", "/api/test/search").await, "FindTest");
    assert_eq!(called(&app, "GET", "/api/test/1").await, "getTest");
}

#[tokio::test]
async fn an_underscore_sorts_after_the_letters() {
    let app = Plan::new().function("Get_One", "x/{a}").function("GetTwo", "x/{b}").start().await;

    assert_eq!(called(&app, "GET", "/api/x/1").await, "GetTwo");
}

#[tokio::test]
async fn another_method_is_unknown() {
    let members = json!({ "authLevel": "anonymous", "route": "x", "methods": ["post", "PUT"] });
    let app = Plan::new().binding("Write", members).start().await;

    assert_eq!(called(&app, "POST", "/api/x").await, "Write");
    assert_eq!(called(&app, "PUT", "/api/x").await, "Write");
    assert_eq!(called(&app, "post", "/api/x").await, "Write", "methods ignore letter case");
    for method in ["GET", "DELETE", "HEAD", "OPTIONS"] {
        assert_unknown(&app, method, "/api/x").await;
    }
}

#[tokio::test]
async fn literals_ignore_case_and_one_trailing_slash() {
    let app = Plan::new().function("Read", "patient").start().await;

    for target in ["/api/patient", "/API/Patient/", "/api/%70atient"] {
        assert_eq!(called(&app, "GET", target).await, "Read", "{target}");
    }
    for target in ["/api//patient", "/api/patient//", "/patient", "/api", "/api/patient/1"] {
        assert_unknown(&app, "GET", target).await;
    }
}

#[tokio::test]
async fn dot_segments_are_resolved_before_anything_else() {
    let app = Plan::new().function("Any", "any/{value}").start().await;

    for target in ["/api/any/x", "/api/other/../any/./x", "/api/any/y/%2e%2E/x"] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let response = String::from_utf8(app.raw(request.as_bytes()).await).unwrap();

        let (echo, _) = response.split_once("\r\n0\r\n").unwrap();
        let echo: Value = serde_json::from_str(echo.rsplit("\r\n").next().unwrap()).unwrap();
        let payload: Value = serde_json::from_str(echo["payload"].as_str().unwrap()).unwrap();
        assert_eq!(payload["Data"]["req"]["Params"], json!({ "value": "x" }), "{target}");
        assert_eq!(payload["Data"]["req"]["Url"], "http://a/api/any/x", "{target}");
    }
}

#[tokio::test]
async fn the_later_of_two_functions_with_one_route_is_never_served() {
    let binding = |methods| json!({ "authLevel": "anonymous", "route": "x", "methods": methods });
    let app = Plan::new()
        .binding("First", binding(json!(["get", "post"])))
        .binding("Second", binding(json!(["post", "put"])))
        .binding("Third", binding(json!(["delete"])))
        .start()
        .await;

    assert_eq!(called(&app, "POST", "/api/x").await, "First");
    assert_eq!(called(&app, "DELETE", "/api/x").await, "Third");
    assert_unknown(&app, "PUT", "/api/x").await;
    assert_is_in_error(&app, "Second: its route conflicts with the one of First");
}

#[tokio::test]
async fn a_function_whose_output_has_no_direction_is_not_served() {
    let trigger = json!({ "type": "httpTrigger", "name": "req", "authLevel": "anonymous" });
    let app = Plan::new()
        .bindings("Bad", &json!([trigger, { "type": "http", "name": "res" }]))
        .bindings("Good", &json!([trigger, { "type": "http", "name": "res", "direction": "out" }]))
        .start()
        .await;

    assert_eq!(called(&app, "GET", "/api/good").await, "Good");
    assert_unknown(&app, "GET", "/api/bad").await;
    assert_is_in_error(&app, "Bad: an http binding can only be used for output");
}

/// Asserts that the host has logged an error.
fn assert_is_in_error(app: &App, error: &str) {
    let line = format!("host: a function is in error and is not served: {error}");
    let lines = app.host.console();
    assert!(lines.iter().any(|it| it.text == line), "{lines:?}");
}

#[tokio::test]
async fn values_are_decoded_and_constraints_only_filter() {
    let app = Plan::new()
        .function("Any", "any/{value}/{more?}")
        .function("Int", "int/{n:int}")
        .start()
        .await;

    for (target, params) in [
        ("/api/any/a%20b+c%2Fd", json!({ "value": "a b+c%2Fd", "more": null })),
        ("/api/any/1/x", json!({ "value": "1", "more": "x" })),
        ("/api/int/007", json!({ "n": "007" })),
    ] {
        let invocation = invocation(app.get(target)).await;

        assert_eq!(invocation.request()["Params"], params, "{target}");
        assert_eq!(invocation.metadata().get("more").is_some(), params["more"].is_string());
    }
    for target in ["/api/int/x", "/api/any"] {
        assert_unknown(&app, "GET", target).await;
    }
}

#[tokio::test]
async fn the_prefix_is_configurable_and_the_default_route_is_the_name() {
    let named = || Plan::new().binding("DoIt", json!({ "authLevel": "anonymous" }));
    let prefix = |plan: Plan, text: &str| {
        plan.host_json("/extensions/http", "routePrefix", json!(text)).start()
    };
    let (default, other, none) =
        tokio::join!(named().start(), prefix(named(), "v1/x"), prefix(named(), ""));

    assert_eq!(called(&default, "GET", "/api/doit").await, "DoIt");
    assert_eq!(called(&other, "GET", "/v1/x/doit").await, "DoIt");
    assert_eq!(called(&none, "GET", "/doit").await, "DoIt");
    assert_unknown(&none, "GET", "/api/doit").await;
}

#[tokio::test]
async fn a_disabled_function_is_served_only_with_the_master_key() {
    let app = Plan::new()
        .function("Off", "off")
        .setting("AzureWebJobs.Off.Disabled", "true")
        .start()
        .await;

    assert_unknown(&app, "GET", "/api/off").await;
    assert_eq!(called(&app, "GET", "/api/off?code=master-key").await, "Off");
}

#[tokio::test]
async fn the_root_is_a_home_page_unless_disabled() {
    let plan = || Plan::new().function("Echo", "echo");
    let off = plan().setting("AzureWebJobsDisableHomepage", "true");
    let (with_page, without) = tokio::join!(plan().start(), off.start());

    let page = sent(with_page.get("/")).await;

    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
    assert_eq!(sent(without.get("/")).await.parts(), (204, None, ""));
}
