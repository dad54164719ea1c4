//! Limits of the host.

use serde_json::json;

use crate::app::{App, Plan, chunked, invocation, sent};

#[tokio::test]
async fn a_body_over_the_limit_fails_without_a_call() {
    let app = Plan::new()
        .function("Echo", "echo")
        .setting("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "10")
        .start()
        .await;

    let post = |length| app.request("POST", "/api/echo").body("x".repeat(length));

    sent(post(11)).await.assert_is_empty_500(&"too much");
    assert_eq!(app.noted("requests").len(), 0);
    assert_eq!(sent(post(10)).await.status, 200);
}

/// An app with a call under way.
async fn busy(limit: &str) -> (App, tokio::task::JoinHandle<crate::app::Response>) {
    let app = Plan::new()
        .function("Echo", "echo")
        .host_json("/extensions/http", limit, json!(1))
        .host_json(
            "/extensions/http",
            "customHeaders",
            json!({ "X-Content-Type-Options": "nosniff" }),
        )
        .start()
        .await;
    let under_way = tokio::spawn(sent(app.scripted(&json!({ "wait_for": "enough" }))));
    app.noted_lines("requests", 1).await;
    (app, under_way)
}

#[tokio::test]
async fn too_many_outstanding_requests_are_refused_before_anything_else() {
    let (app, under_way) = busy("maxOutstandingRequests").await;

    for target in ["/api/echo", "/api/unknown", "/"] {
        let refused = sent(app.get(target)).await;
        assert_eq!(refused.parts(), (429, None, ""), "{target}");
        assert_eq!(refused.header("x-function-scaleout"), Some("1"));
        assert_eq!(refused.header("x-content-type-options"), None);
    }
    assert_eq!(sent(app.get("/admin/host/ping")).await.status, 200);
    app.release("enough");
    assert_eq!(under_way.await.unwrap().status, 200);
    assert_eq!(sent(app.get("/api/echo")).await.status, 200);
}

#[tokio::test]
async fn requests_over_the_concurrency_limit_wait() {
    let (app, under_way) = busy("maxConcurrentRequests").await;
    let next = tokio::spawn(sent(app.get("/api/echo")));
    assert_eq!(sent(app.get("/admin/host/ping")).await.status, 200);
    assert_eq!(app.noted("requests").len(), 1);

    app.release("enough");

    assert_eq!(under_way.await.unwrap().status, 200);
    assert_eq!(next.await.unwrap().status, 200);
}

#[tokio::test]
async fn custom_headers_are_on_refusals_too_and_replace_none() {
    let headers = json!({ "X-A": "host", "X-B": "host" });
    let app = Plan::new()
        .function("Echo", "echo")
        .binding("Guarded", json!({ "route": "guarded" }))
        .host_json("/extensions/http", "customHeaders", headers)
        .start()
        .await;

    let response = app.output(json!({ "headers": { "x-a": "handler" } })).await;

    assert_eq!((response.header("x-a"), response.header("x-b")), (Some("handler"), Some("host")));
    for (target, status) in [("/api/unknown", 404), ("/api/guarded", 401)] {
        let refused = sent(app.get(target)).await;
        assert_eq!((refused.status, refused.header("x-a")), (status, Some("host")));
    }
}

#[tokio::test]
async fn a_request_that_names_no_host_or_two_is_refused_without_a_call() {
    let app = App::echo().await;

    for hosts in ["", "Host: a\r\nHost: a\r\n"] {
        let request = format!("GET /api/echo HTTP/1.1\r\nConnection: close\r\n{hosts}\r\n");
        let response = app.raw(request.as_bytes()).await;
        assert!(response.starts_with(b"HTTP/1.1 400 "), "{hosts}: {}", response.escape_ascii());
    }

    assert_eq!(app.noted("requests").len(), 0);
    let response = app.raw(b"GET /api/echo HTTP/1.0\r\n\r\n").await;
    assert!(response.starts_with(b"HTTP/1.1 200 "), "{}", response.escape_ascii());
}

#[tokio::test]
async fn a_head_that_kestrel_refuses_is_refused_without_a_call() {
    let app = App::echo().await;
    let long = "a".repeat(8192);
    let many = "X: 1\r\n".repeat(100);
    let much = format!("X: {}\r\n", "a".repeat(33_000));

    for (target, headers, refusal) in [
        (format!("/api/echo?{long}"), "", "414 URI Too Long"),
        ("/api/echo".to_owned(), &*many, "431 Request Header Fields Too Large"),
        ("/api/echo".to_owned(), &*much, "431 Request Header Fields Too Large"),
        ("/api/echo?é".to_owned(), "", "400 Bad Request"),
        ("/api/echo%00".to_owned(), "", "400 Bad Request"),
        ("http://b/api/echo".to_owned(), "", "400 Bad Request"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        let response = app.raw(request.as_bytes()).await;
        let response = String::from_utf8(response).unwrap();

        assert!(response.starts_with(&format!("HTTP/1.1 {refusal}\r\n")), "{response}");
        for line in ["Content-Length: 0", "Connection: close", "Server: Kestrel"] {
            assert!(response.contains(&format!("\r\n{line}\r\n")), "{response}");
        }
    }

    assert_eq!(app.noted("requests").len(), 0);
}

#[tokio::test]
async fn a_chunked_body_over_the_limit_is_ignored() {
    let app = Plan::new()
        .function("Echo", "echo")
        .setting("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "10")
        .start()
        .await;

    let post = app.request("POST", "/api/echo").body(chunked("more than ten bytes"));
    let invocation = invocation(post).await;

    assert_eq!(invocation.request().get("Body"), None);
}

/// As many members as fit into a mebibyte, far too many for a linear search.
#[tokio::test]
async fn a_body_with_a_hundred_thousand_members_is_parsed_quickly() {
    let app = App::echo().await;
    let body: String = (0..100_000).map(|n| format!(",\"m{n}\":{n}")).collect();
    let body = format!("{{{}}}", &body[1..]);

    // Not the echo, which would contain them twice.
    let script = json!({ "response": { "body": "{}" } }).to_string();
    let request = app.request("POST", "/api/echo").header("x-script", script);
    assert_eq!(sent(request.body(body)).await.status, 204);
}

#[tokio::test]
async fn a_disconnected_caller_does_not_end_the_call() {
    let app = App::echo().await;
    let call = tokio::spawn(sent(app.scripted(&json!({ "wait_for": "gone" }))));
    app.noted_lines("requests", 1).await;

    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    // Once it has served another request, the host could have noticed.
    assert_eq!(sent(app.get("/api/echo")).await.status, 200);
    app.release("gone");

    app.noted_lines("finished", 2).await;
}
