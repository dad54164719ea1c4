//! Forwarded requests and responses.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::StatusCode;
use hyper::body::Frame;
use serde_json::{Value, json};

use crate::backend::{forwarded, one_that_says};
use crate::stack::{Stack, problem};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_valid_key_is_accepted_in_header_or_query_and_not_forwarded() {
    let stack = Stack::start().await;

    forwarded(stack.call("GET", "/patient/1")).await;
    let seen = forwarded(stack.bare("GET", "/patient/1?a=1&subscription-key=good")).await;

    assert_eq!(seen["target"], "/api/patient/1?a=1");
}

#[tokio::test]
async fn headers_of_the_gateway_cannot_be_forged() {
    let stack = Stack::start().await;
    let request = stack
        .call("GET", "/patient/1?code=callers&c%6Fde=callers&CODE=callers&subscription-key=good")
        .header("x-functions-key", "callers")
        .header("X-Functions-Key", "callers")
        .header("Authorization", "Bearer callers")
        .header("X-Caller-Subscription", "callers")
        .header("X-Caller-Organisation", "callers")
        .header("X-Caller-User", "callers")
        .header("X-Caller-Client", "callers")
        .header("X-Caller-Scopes", "callers")
        .header("x-caller-scopes", "callers")
        .header("X-Caller-Roles", "callers")
        .header("X-Caller-Address", "callers")
        .header("If-Match", "\"1\"");

    let seen = forwarded(request).await;

    let headers = &seen["headers"];
    assert_eq!(seen["target"], "/api/patient/1");
    assert_eq!(headers["x-functions-key"], json!(["first"]));
    assert_eq!(headers["x-caller-subscription"], json!(["clinic-7"]));
    assert_eq!(headers["x-caller-organisation"], json!(["The organisation of clinic-7"]));
    assert_eq!(headers["x-caller-address"], json!(["127.0.0.1"]));
    assert_eq!(headers["if-match"], json!(["\"1\""]));
    let text = seen.to_string();
    assert!(!text.contains("callers") && !text.contains("good"), "{text}");
}

#[tokio::test]
async fn the_scopes_are_those_of_the_product() {
    let stack = Stack::start().await;
    for (key, path, scopes) in [
        (
            "good",
            "/patient/1",
            "patient.read patient.write patient.delete patient.search \
             test.read test.write test.delete",
        ),
        ("measuring", "/patient/1", "test.write test.read"),
        ("watching", "/health", "none"),
        ("lost", "/patient/1", "none"),
    ] {
        let seen = forwarded(stack.call_with(key, "GET", path)).await;

        assert_eq!(seen["headers"]["x-caller-scopes"], json!([scopes]), "{key}");
        assert_eq!(seen["headers"].get("x-caller-roles"), None, "{key}");
    }
}

#[tokio::test]
async fn a_chunked_body_is_forwarded_with_a_length() {
    let stack = Stack::start().await;
    let chunks =
        ["{\"a\":", "1}"].map(|chunk| Ok::<_, Infallible>(Frame::data(Bytes::from(chunk))));
    let chunked = reqwest::Body::wrap(StreamBody::new(stream::iter(chunks)));

    let seen = forwarded(stack.call("POST", "/patient").body(chunked)).await;

    assert_eq!(seen["body"], "{\"a\":1}");
    assert_eq!(seen["headers"]["content-length"], json!(["7"]));
    assert_eq!(seen["headers"].get("transfer-encoding"), None);
    let without = forwarded(stack.call("GET", "/patient/1")).await;
    assert_eq!(without["headers"].get("content-length"), None);
}

#[tokio::test]
async fn the_largest_body_is_one_mebibyte() {
    let stack = Stack::start().await;
    let post = |length| stack.call("POST", "/patient").body(vec![b'x'; length]);

    let (status, kind, _) = problem(post((1 << 20) + 1).send().await.unwrap()).await;

    assert_eq!((status, kind.as_str()), (413, "too-large"));
    assert_eq!(forwarded(post(1 << 20)).await["body"].as_str().map(str::len), Some(1 << 20));
}

#[tokio::test]
async fn the_gateway_is_a_part_of_the_callers_trace() {
    let stack = Stack::start().await;
    let request = stack.call("GET", "/patient/1").header("traceparent", TRACEPARENT);

    let seen = forwarded(request.header("tracestate", "a=b")).await;

    let sent = seen["headers"]["traceparent"][0].as_str().unwrap();
    assert_eq!(sent[..36], TRACEPARENT[..36]);
    assert_ne!(sent[36..52], TRACEPARENT[36..52], "the gateway has a span of its own");
    assert_eq!(seen["headers"]["tracestate"], json!(["a=b"]));
    let new = forwarded(stack.call("GET", "/patient/1")).await;
    assert_eq!(new["headers"]["traceparent"][0].as_str().unwrap().len(), TRACEPARENT.len());
}

#[tokio::test]
async fn hop_by_hop_headers_are_removed_in_both_directions() {
    let stack = Stack::start().await;
    let request = stack
        .call("GET", "/patient/1")
        .header("Connection", "X-Mine, close")
        .header("X-Mine", "1")
        .header("TE", "trailers")
        .header("Keep-Alive", "timeout=5")
        .header("X-Kept", "a")
        .header("X-Kept", "b");

    let response = request.send().await.unwrap();

    for name in ["keep-alive", "x-hop"] {
        assert!(!response.headers().contains_key(name), "{name}: {response:?}");
    }
    assert_eq!(response.headers()["etag"], "\"1\"");
    assert_eq!(response.headers()["location"], "/api/patient/7");
    let seen: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    for name in ["connection", "x-mine", "te", "keep-alive"] {
        assert_eq!(seen["headers"].get(name), None, "{seen}");
    }
    assert_eq!(seen["headers"]["x-kept"], json!(["a", "b"]));
}

#[tokio::test]
async fn responses_hide_the_backend_and_forbid_caching() {
    let stack = Stack::start().await;

    for method in ["GET", "HEAD"] {
        let response = stack.call(method, "/patient/1").send().await.unwrap();

        for name in ["server", "x-powered-by", "request-context"] {
            assert!(!response.headers().contains_key(name), "{name}: {response:?}");
        }
        let lines: Vec<_> = response.headers().get_all("cache-control").iter().collect();
        assert_eq!(lines, ["no-store"], "{response:?}");
    }
}

#[tokio::test]
async fn method_path_and_query_are_forwarded_unchanged() {
    let stack = Stack::start().await;

    for (method, target) in [
        ("GET", "/patient/a%20b%2Fc/tests/"),
        ("DELETE", "/Patient/1?limit=5&x=%2F+%C3%A9&x="),
        ("POST", "/patient/search?"),
        ("POST", "/patient?a&&b="),
    ] {
        let seen = forwarded(stack.call(method, target)).await;

        assert_eq!(seen["method"], method);
        assert_eq!(seen["target"], format!("/api{target}"));
    }
}

#[tokio::test]
async fn head_is_forwarded_and_gets_the_headers_of_get() {
    let stack = Stack::start().await;

    let mut got = stack.call("GET", "/patient/1").send().await.unwrap();
    let mut head = stack.call("HEAD", "/patient/1").send().await.unwrap();

    assert_eq!((got.status(), head.status()), (StatusCode::CREATED, StatusCode::CREATED));
    for response in [&mut got, &mut head] {
        response.headers_mut().remove("date");
        // The backend echoes the request, whose trace and method differ.
        response.headers_mut().remove("content-length");
    }
    assert_eq!(got.headers_mut().remove("x-method").unwrap(), "GET");
    assert_eq!(head.headers_mut().remove("x-method").unwrap(), "HEAD");
    assert_eq!(head.headers(), got.headers());
    assert_eq!(head.text().await.unwrap(), "");
    for (request, status) in [
        (stack.bare("HEAD", "/patient/1"), StatusCode::UNAUTHORIZED),
        (stack.call("HEAD", "/patient"), StatusCode::NOT_FOUND),
    ] {
        let refused = request.send().await.unwrap();
        assert_eq!(refused.status(), status);
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
        assert_eq!(refused.text().await.unwrap(), "");
    }
}

#[tokio::test]
async fn only_documented_operations_are_reachable() {
    let stack = Stack::start().await;

    for request in [
        "GET /",
        "GET /patients",
        "POST /auditrecord",
        "GET /api/patient/1",
        "GET /admin/host/keys",
        "PATCH /patient/1",
        "GET /patient",
        "OPTIONS /patient/1",
        "HEAD /patient",
        "GET /patient/../../admin/host/status",
        "GET /patient/%2e%2E/%2e%2e/admin/host/status",
        "GET /patient/..%2f..%2fadmin",
        "GET /patient/..\\..\\admin",
        "GET /patient/..%5c..%5cadmin",
        "GET /patient//../../admin/host/status",
        "GET /patient/.",
        "GET //patient/1",
        "GET /patient//1",
    ] {
        let response = stack.raw(&format!("{request} HTTP/1.1\r\nHost: gateway\r\n")).await;
        assert!(response.starts_with("HTTP/1.1 404 "), "{request}: {response}");
    }
    let response = stack.raw("GET /patient/1 HTTP/1.1\r\nHost: gateway\r\n").await;
    assert!(response.starts_with("HTTP/1.1 201 "), "the backend is there: {response}");
}

#[tokio::test]
async fn a_request_that_names_no_host_or_two_is_refused() {
    let stack = Stack::start().await;

    for hosts in ["", "Host: gateway\r\nHost: gateway\r\n"] {
        let response = stack.raw(&format!("GET /patient/1 HTTP/1.1\r\n{hosts}")).await;
        assert!(response.starts_with("HTTP/1.1 400 "), "{hosts}: {response}");
        assert!(response.contains("\r\ncache-control: no-store\r\n"), "{response}");
    }
}

#[tokio::test]
async fn redirects_are_returned_to_the_caller() {
    let head = "307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0";
    let stack = Stack::before(one_that_says(head).await).await;

    let response = stack.call("GET", "/patient/1").send().await.unwrap();

    assert_eq!(
        (response.status().as_u16(), response.headers()["location"].as_bytes()),
        (307, &b"/elsewhere"[..])
    );
}

#[tokio::test]
async fn a_refusal_of_the_app_is_forwarded_unchanged() {
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let head = format!("{status}\r\nRetry-After: 17\r\nX-Own: 1\r\nContent-Length: 0");
        let stack = Stack::before(one_that_says(head.leak()).await).await;

        let response = stack.call("GET", "/patient/1").send().await.unwrap();

        assert_eq!(response.status().as_str(), &status[..3]);
        assert_eq!(response.headers()["retry-after"], "17");
        assert_eq!(response.headers()["x-own"], "1");
    }
}

#[tokio::test]
async fn a_response_that_the_host_cuts_short_closes_the_connection() {
    let stack = Stack::before(one_that_says("200 OK\r\nContent-Length: 9").await).await;

    let error = stack.call("GET", "/patient/1").send().await.unwrap_err();

    assert!(error.is_request(), "{error:?}");
}
