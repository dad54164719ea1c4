//! API Management as callers see it, and as the Functions host behind it does.

mod host_key;
mod stack;

use std::convert::Infallible;

use bytes::Bytes;
use emulator::api_management::HostKey;
use emulator::app_insights::AppInsights;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::StatusCode;
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use stack::{Stack, forwarded, refused};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_missing_or_wrong_subscription_key_is_refused_as_the_policies_word_it() {
    let stack = Stack::start().await;
    let bare = |target| stack.bare("GET", target);
    let key = "Ocp-Apim-Subscription-Key";

    for request in [
        bare("/patient/1"),
        bare("/patient/1").header(key, ""),
        bare("/patient/1").header(key, "bad"),
        bare("/patient/1?subscription-key=bad"),
        bare("/patient/1?subscription-key=good").header(key, "bad"),
        bare("/patient/1").header("x-functions-key", "host-key"),
    ] {
        let response = request.send().await.unwrap();

        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(
            response.headers()["www-authenticate"],
            "AzureApiManagementKey realm=\"patient-records\",\
             name=\"Ocp-Apim-Subscription-Key\",type=\"header\""
        );
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(
            body,
            json!({
                "type": "urn:problem:patient-records:unauthorized",
                "title": "A valid subscription key or token is missing",
                "status": 401,
                "detail": "A valid subscription key or token is missing."
            })
        );
    }
}

#[tokio::test]
async fn a_good_key_opens_as_a_header_or_in_the_query() {
    let stack = Stack::start().await;

    forwarded(stack.call("GET", "/patient/1")).await;
    let seen = forwarded(stack.bare("GET", "/patient/1?a=1&subscription-key=good")).await;

    assert_eq!(seen["target"], "/api/patient/1?a=1");
}

#[tokio::test]
async fn what_only_the_gateway_may_say_is_its_own() {
    let stack = Stack::start().await;
    let request = stack
        .call("GET", "/patient/1?code=callers&c%6Fde=callers&subscription-key=good")
        .header("x-functions-key", "callers")
        .header("X-Caller-Subscription", "callers")
        .header("X-Caller-User", "callers")
        .header("X-Caller-Anything", "callers")
        .header("If-Match", "\"1\"");

    let seen = forwarded(request).await;

    let headers = &seen["headers"];
    assert_eq!(headers["x-functions-key"], json!(["host-key"]));
    assert_eq!(headers["x-caller-subscription"], json!(["clinic-7"]));
    assert_eq!(headers["x-caller-address"], json!(["127.0.0.1"]));
    assert_eq!(headers["if-match"], json!(["\"1\""]));
    let text = seen.to_string();
    assert!(!text.contains("callers") && !text.contains("good"), "{text}");
}

#[tokio::test]
async fn a_body_in_chunks_gets_a_length() {
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
async fn headers_of_one_connection_end_here_in_either_direction() {
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
async fn method_path_and_query_go_through_as_they_were_sent() {
    let stack = Stack::start().await;

    for (method, target) in [
        ("GET", "/patient/a%20b%2Fc/tests/"),
        ("DELETE", "/Patient/1?limit=5&x=%2F+%C3%A9&x="),
        ("POST", "/patient/search?"),
        ("PATCH", "/patient"),
    ] {
        let seen = forwarded(stack.call(method, target)).await;

        assert_eq!(seen["method"], method);
        assert_eq!(seen["target"], format!("/api{target}"));
    }
}

#[tokio::test]
async fn head_is_passed_on_and_answered_like_get_without_the_body() {
    let stack = Stack::start().await;

    let mut got = stack.call("GET", "/patient/1").send().await.unwrap();
    let mut head = stack.call("HEAD", "/patient/1").send().await.unwrap();

    assert_eq!((got.status(), head.status()), (StatusCode::CREATED, StatusCode::CREATED));
    for answer in [&mut got, &mut head] {
        answer.headers_mut().remove("date");
        // The backend answers with the request, whose trace and method differ.
        answer.headers_mut().remove("content-length");
    }
    assert_eq!(got.headers_mut().remove("x-method").unwrap(), "GET");
    assert_eq!(head.headers_mut().remove("x-method").unwrap(), "HEAD");
    assert_eq!(head.headers(), got.headers());
    assert_eq!(head.text().await.unwrap(), "");
    let refused = stack.bare("HEAD", "/patient/1").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.text().await.unwrap(), "");
}

#[tokio::test]
async fn nothing_but_patients_is_there() {
    let stack = Stack::start().await;
    let body = json!({
        "type": "urn:problem:patient-records:not-found",
        "title": "There is no such operation",
        "status": 404,
        "detail": "There is no such operation."
    });

    for target in ["/", "/patients", "/auditrecord", "/api/patient", "/admin/host/keys"] {
        let refusal = refused(stack.call("GET", target)).await;
        assert_eq!(refusal, (404, "application/problem+json".to_owned(), body.clone()), "{target}");
    }
}

#[tokio::test]
async fn no_path_leads_out_of_what_the_gateway_serves() {
    let stack = Stack::start().await;

    for path in [
        "/patient/../../admin/host/status",
        "/patient/%2e%2E/%2e%2e/admin/host/status",
        "/patient/..%2f..%2fadmin/host/status",
        "/patient/..\\..\\admin\\host\\status",
        "/patient/..%5c..%5cadmin/host/status",
        "/patient//../../admin/host/status",
        "/patient/.",
        "//patient/1",
        "/patient//1",
    ] {
        let answer = stack.raw(&format!("GET {path} HTTP/1.1\r\nHost: gateway\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
    let answer = stack.raw("GET /patient/1 HTTP/1.1\r\nHost: gateway\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "the backend is there: {answer}");
}

#[tokio::test]
async fn a_request_that_names_no_host_or_two_is_refused() {
    let stack = Stack::start().await;

    for hosts in ["", "Host: gateway\r\nHost: gateway\r\n"] {
        let answer = stack.raw(&format!("GET /patient/1 HTTP/1.1\r\n{hosts}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{hosts}: {answer}");
        assert!(answer.contains("\r\ncache-control: no-store\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_body_over_two_mebibytes_is_too_large() {
    let stack = Stack::start().await;
    let post = |length| stack.call("POST", "/patient").body(vec![b'x'; length]);

    let (status, media_type, body) = refused(post((2 << 20) + 1)).await;

    assert_eq!((status, media_type.as_str()), (413, "application/problem+json"));
    assert_eq!(body["type"], "urn:problem:patient-records:too-large");
    forwarded(post(2 << 20)).await;
}

/// Insists that no cache may keep an answer, and returns its status.
async fn uncached(request: reqwest::RequestBuilder) -> u16 {
    let answer = request.send().await.unwrap();
    let lines: Vec<_> = answer.headers().get_all("cache-control").iter().collect();
    assert_eq!(lines, ["no-store"], "{answer:?}");
    answer.status().as_u16()
}

#[tokio::test]
async fn no_cache_may_keep_an_answer_whoever_it_comes_from() {
    let (stack, without) = (Stack::start().await, Stack::without_backend().await);

    assert_eq!(uncached(stack.call("GET", "/patient/1")).await, 201);
    assert_eq!(uncached(stack.call("HEAD", "/patient/1")).await, 201);
    assert_eq!(uncached(stack.bare("GET", "/patient/1")).await, 401);
    assert_eq!(uncached(stack.call("GET", "/patients")).await, 404);
    let large = vec![b'x'; (2 << 20) + 1];
    assert_eq!(uncached(stack.call("POST", "/patient").body(large)).await, 413);
    assert_eq!(uncached(without.call("GET", "/patient/1")).await, 503);
}

#[tokio::test]
async fn no_cache_may_keep_a_page_either() {
    let insights = AppInsights::start().await.unwrap();
    let stack = Stack::with_pages(&insights).await;

    for (page, parts) in [
        ("/docs", &["", "/page.css", "/page.js", "/openapi.json"][..]),
        ("/telemetry", &["", "/page.css", "/page.js", "/requests"]),
    ] {
        for part in parts {
            assert_eq!(uncached(stack.bare("GET", &format!("{page}{part}"))).await, 200);
        }
        assert_eq!(uncached(stack.bare("GET", &format!("{page}/none"))).await, 404);
        assert_eq!(uncached(stack.bare("POST", page)).await, 405);
    }
}

#[tokio::test]
async fn a_backend_that_is_not_there_is_unavailable() {
    let stack = Stack::without_backend().await;
    let call = || stack.call("GET", "/patient/1");

    let response = call().send().await.unwrap();

    assert_eq!(response.headers()["retry-after"], "5");
    let (status, media_type, body) = refused(call()).await;
    assert_eq!((status, media_type.as_str()), (503, "application/problem+json"));
    assert_eq!(
        body,
        json!({
            "type": "urn:problem:patient-records:unavailable",
            "title": "The API cannot be reached",
            "status": 503,
            "detail": "The API cannot be reached.",
        })
    );
}

/// A gateway in front of what answers each request with this.
async fn before_one_that_says(head: &'static str) -> Stack {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = connection.read(&mut request).await;
            let answer =
                format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    Stack::before(address, HostKey::Literal("host-key".to_owned())).await
}

#[tokio::test]
async fn what_the_host_refuses_itself_becomes_a_problem_that_says_when_to_come_back() {
    for (head, status, kind, retry_after) in [
        ("429 Too Many Requests\r\nX-FUNCTION-SCALEOUT: 1", 429, "throttled", "1"),
        ("503 Service Unavailable", 503, "unavailable", "5"),
    ] {
        let stack = before_one_that_says(head).await;

        let answer = stack.call("GET", "/patient/1").send().await.unwrap();

        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["retry-after"], retry_after);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert!(!answer.headers().contains_key("x-function-scaleout"));
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(body["type"], format!("urn:problem:patient-records:{kind}"));
    }
}

#[tokio::test]
async fn a_refusal_of_the_app_is_passed_on_as_it_is() {
    let stack = before_one_that_says("429 Too Many Requests\r\nRetry-After: 17").await;

    let answer = stack.call("GET", "/patient/1").send().await.unwrap();

    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "17");
}
