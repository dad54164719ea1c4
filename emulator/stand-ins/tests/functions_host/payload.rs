//! The payload of an invocation.

use serde_json::{Value, json};

use crate::app::{App, Plan, chunked, invocation};

#[tokio::test]
async fn every_call_is_a_post_to_the_functions_name() {
    let app = Plan::new().function("doIt_2-B", "echo/{x}").start().await;

    let invocation = invocation(app.request("DELETE", "/api/echo/1?a=1")).await;

    assert_eq!(invocation.echo["method"], "POST");
    assert_eq!(invocation.echo["path"], "/doIt_2-B");
    let names: Vec<_> = invocation.echo["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|header| header[0].as_str().unwrap())
        .collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [
            "content-type",
            "host",
            "traceparent",
            "transfer-encoding",
            "user-agent",
            "x-azure-functions-hostversion",
            "x-azure-functions-invocationid",
        ]
    );
    let header = |name| invocation.header(name).unwrap();
    assert_eq!(header("content-type"), "application/json; charset=utf-8");
    assert_eq!(header("host"), app.host.handler_url().trim_start_matches("http://"));
    assert_eq!(header("transfer-encoding"), "chunked");
    assert_eq!(header("user-agent"), "Azure-Functions-Host/4.1037.0.0");
    assert_eq!(header("x-azure-functions-hostversion"), "4.1037.0.0");
    let id = header("x-azure-functions-invocationid");
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().to_string(), id);
}

#[tokio::test]
async fn the_payload_has_what_the_contract_lists_and_no_more() {
    let members = json!({ "authLevel": "anonymous", "route": "echo/{id}", "name": "trigger" });
    let app = Plan::new().binding("Echo", members).start().await;

    let invocation = invocation(app.get("/api/echo/7?b=%20+&a=")).await;

    let names =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(names(&invocation.payload), ["Data", "Metadata"]);
    assert_eq!(names(&invocation.payload["Data"]), ["trigger"]);
    let request = &invocation.payload["Data"]["trigger"];
    assert_eq!(names(request), ["Headers", "Identities", "Method", "Params", "Query", "Url"]);
    assert_eq!(request["Url"], format!("{}/api/echo/7?b=%20+&a=", app.host.url()));
    assert_eq!(request["Method"], "GET");
    let system = &invocation.metadata()["sys"];
    assert_eq!(names(system), ["MethodName", "RandGuid", "UtcNow"]);
    assert_eq!(system["MethodName"], "Echo");
    assert!(system["UtcNow"].as_str().unwrap().ends_with('Z'), "{system}");
}

#[tokio::test]
async fn the_path_is_encoded_again_and_the_query_is_not() {
    let app = Plan::new().function("Echo", "echo/{value}").start().await;

    let invocation = invocation(app.get("/API/%65cho/a%20%C3%A9%2F%7E%FF/?%61=%7E")).await;

    let url = format!("{}/API/echo/a%20%C3%A9%2F~%FF/?%61=%7E", app.host.url());
    assert_eq!(invocation.request()["Url"], url);
    assert_eq!(invocation.request()["Params"]["value"], "a é%2F~%FF");
    assert_eq!(invocation.request()["Query"], json!({ "a": "~" }));
}

#[tokio::test]
async fn the_url_has_the_scheme_and_host_of_the_front_end() {
    let app = App::echo().await;
    let request = app.get("/api/echo?a=1").header("X-Forwarded-Proto", "https");

    let invocation = invocation(request.header("disguised-host", "app.example")).await;

    assert_eq!(invocation.request()["Url"], "https://app.example/api/echo?a=1");
    assert_eq!(invocation.request()["Headers"]["Host"], json!(["app.example"]));
}

#[tokio::test]
async fn repeated_query_values_are_joined_and_the_last_is_binding_data() {
    let app = App::echo().await;

    let invocation = invocation(app.get("/api/echo?a=1&a=2&b&code=k")).await;

    let (request, metadata) = (invocation.request(), invocation.metadata());
    assert_eq!(request["Query"], json!({ "a": "1,2", "b": "", "code": "k" }));
    assert_eq!(metadata["Query"], json!({ "a": "2", "b": "", "code": "k" }));
    assert_eq!(metadata["a"], "\"2\"");
    assert_eq!(metadata["b"], "\"\"");
    assert_eq!(metadata.get("code"), None);
}

#[tokio::test]
async fn each_header_line_is_an_element() {
    let app = App::echo().await;
    let lines = |request: reqwest::RequestBuilder| {
        request.header("X-A", "1, 2").header("X-A", "3").header("Accept-Language", "mi")
    };

    let invocation = invocation(lines(app.get("/api/echo"))).await;

    let headers = &invocation.request()["Headers"];
    assert_eq!(headers["x-a"], json!(["1, 2", "3"]), "the client writes it so");
    assert_eq!(headers["Accept-Language"], json!(["mi"]));
    assert_eq!(headers["Host"], json!([app.host.url().trim_start_matches("http://")]));
    assert_eq!(invocation.metadata()["Headers"]["x-a"], "1, 2,3");
}

#[tokio::test]
async fn a_body_is_text_or_base64() {
    let app = App::echo().await;
    let body: &[u8] = b"{\"a\":\"\xc3\xa9\xff\"}";
    let text = "{\"a\":\"é\u{fffd}\"}";
    let base64 = "eyJhIjoiw6n/In0=";

    for (media_type, expected) in [
        ("application/json", text),
        ("text/plain; charset=iso-8859-1", text),
        ("application/x-www-form-urlencoded", text),
        ("image/png", text),
        ("application/octet-stream", base64),
        ("multipart/form-data; boundary=x", base64),
    ] {
        let request = app.request("POST", "/api/echo").header("Content-Type", media_type);
        let invocation = invocation(request.body(body)).await;

        assert_eq!(invocation.request()["Body"], expected, "{media_type}");
    }
    let invocation = invocation(app.request("POST", "/api/echo").body("\u{feff}{}")).await;
    assert_eq!(invocation.request()["Body"], "{}", "a byte-order mark is taken off");
}

#[tokio::test]
async fn a_body_without_a_length_is_ignored() {
    let app = App::echo().await;
    let post = || app.request("POST", "/api/echo");

    for (request, encoding) in [
        (post().body(chunked("{\"a\":1}")), json!(["chunked"])),
        (post().header("Content-Length", "0"), Value::Null),
        (app.get("/api/echo"), Value::Null),
    ] {
        let invocation = invocation(request).await;

        assert_eq!(invocation.request().get("Body"), None);
        assert_eq!(invocation.request()["Headers"]["Transfer-Encoding"], encoding);
        assert_eq!(invocation.metadata().get("a"), None);
    }
}

#[tokio::test]
async fn members_of_the_body_are_binding_data() {
    let app = Plan::new().function("Echo", "echo/{id}").start().await;
    let body = json!({
        "fooTrigger": 1, "list": [1], "nothing": null, "object": {"list": [1]}, "n": 5,
        "fraction": 1.5, "yes": true, "text": "a\"b", "born": "2020-01-01T01:00:00+02:00",
        "ID": "body", "sys": "mine",
    });

    let request = app.request("POST", "/api/echo/route?yes=query&req.TRIGGER=1");
    let mut metadata = invocation(request.body(body.to_string())).await.metadata().clone();

    let members = metadata.as_object_mut().unwrap();
    assert!(members.remove("Headers").is_some() && members.remove("$sys").is_some());
    assert_eq!(
        metadata,
        json!({
            "object": {"list": [1]},
            "n": "\"5\"",
            "fraction": "\"1.5\"",
            "yes": "\"query\"",
            "text": "\"a\\\"b\"",
            "born": "\"12/31/2019 23:00:00\"",
            "ID": "\"route\"",
            "sys": "\"mine\"",
            "Query": {"yes": "query", "req.TRIGGER": "1"},
        })
    );
}

#[tokio::test]
async fn a_body_that_names_query_or_headers_hides_them_in_the_binding_data() {
    let app = App::echo().await;

    let request = app.request("POST", "/api/echo?a=1").body(r#"{"query":"q","HEADERS":true}"#);
    let invocation = invocation(request).await;

    let metadata = invocation.metadata();
    assert_eq!(metadata["query"], "\"q\"");
    assert_eq!(metadata["HEADERS"], "\"True\"");
    assert!(metadata.get("Query").is_none() && metadata.get("Headers").is_none(), "{metadata}");
}
