//! Responses to callers.

use serde_json::{Value, json};

use crate::app::{App, Plan, invocation, sent};

const PLAIN: Option<&str> = Some("text/plain; charset=utf-8");

#[tokio::test]
async fn an_invalid_envelope_becomes_an_empty_500() {
    let app = App::echo().await;
    let envelope = r#"{"Outputs":{"res":{"body":"x"}},"Logs":["lost"]}"#;

    for response in [
        json!({ "status": 400, "body": envelope }),
        json!({ "status": 500, "body": envelope }),
        json!({ "status": 304 }),
        json!({ "body": "{" }),
        json!({ "body": "[]" }),
        json!({ "body": "\"text\"" }),
        json!({ "content_type": "text/plain", "body": envelope }),
        json!({ "content_type": "application/problem+json", "body": envelope }),
        json!({ "content_type": "", "body": envelope }),
        json!({ "body": envelope, "cut_short": true }),
    ] {
        sent(app.scripted(&json!({ "response": response }))).await.assert_is_empty_500(&response);
    }
    assert_eq!(app.host.invocation_logs(), []);
}

#[tokio::test]
async fn missing_outputs_have_their_own_responses() {
    let app = App::echo().await;
    let object = (200, PLAIN, "{}");

    for (envelope, expected) in [
        (json!({}), (204, None, "")),
        (json!({ "Outputs": null }), (204, None, "")),
        (json!({ "Outputs": {} }), object),
        (json!({ "Outputs": { "Res": { "statusCode": 404 } } }), object),
        (json!({ "Outputs": { "res": {} } }), (200, PLAIN, "")),
        (json!({ "Outputs": { "res": "{\"statusCode\":404}" } }), (404, PLAIN, "")),
    ] {
        assert_eq!(app.enveloped(&envelope).await.parts(), expected, "{envelope}");
    }
    for res in [json!(null), json!(""), json!("text"), json!([]), json!(7)] {
        app.output(res.clone()).await.assert_is_empty_500(&res);
    }
}

#[tokio::test]
async fn only_status_code_counts() {
    let app = App::echo().await;

    for (res, status) in [
        (json!({ "statusCode": 404 }), 404),
        (json!({ "statusCode": "404" }), 404),
        (json!({ "statusCode": "x" }), 200),
        (json!({ "statusCode": 404.0 }), 200),
        (json!({ "status": 404 }), 200),
    ] {
        assert_eq!(app.output(res.clone()).await.status, status, "{res}");
    }
    app.output(json!({ "statusCode": [] })).await.assert_is_empty_500(&"an array");
}

#[tokio::test]
async fn members_are_case_insensitive() {
    let app = App::echo().await;

    let response = app
        .enveloped(&json!({
            "OUTPUTS": { "res": { "StatusCode": 201, "BODY": "x", "hEADERS": { "X-A": "1" } } },
            "unknown": 1
        }))
        .await;

    assert_eq!(response.parts(), (201, PLAIN, "x"));
    assert_eq!(response.header("x-a"), Some("1"));
    assert_eq!(response.header("server"), Some("Kestrel"));
}

#[tokio::test]
async fn head_is_a_separate_call_and_gets_the_headers_of_get() {
    let members = json!({ "authLevel": "anonymous", "route": "echo", "methods": ["get", "head"] });
    let app = Plan::new().binding("Echo", members).start().await;
    let call = |method, script: &Value| {
        app.request(method, "/api/echo").header("x-script", script.to_string())
    };
    let headers = json!({ "ETag": "\"1\"", "Content-Type": "application/json" });
    let envelope = |status: u16, body: &str| {
        let res = json!({ "statusCode": status, "headers": headers, "body": body });
        json!({ "response": { "body": json!({ "Outputs": { "res": res } }).to_string() } })
    };

    for (status, body) in [(200, "{\"id\":\"7\"}"), (404, "{}"), (304, "")] {
        let mut got = sent(call("GET", &envelope(status, body))).await;
        let mut head = sent(call("HEAD", &envelope(status, body))).await;

        assert_eq!((got.status, got.body.as_str()), (status, body));
        assert_eq!((head.status, head.body.as_str()), (status, ""));
        for name in ["date", "transfer-encoding"] {
            got.headers.remove(name);
            head.headers.remove(name);
        }
        assert_eq!(head.headers, got.headers);
    }
    assert_eq!(app.noted("methods"), ["GET", "HEAD"].repeat(3));
}

#[tokio::test]
async fn a_text_goes_out_as_it_is() {
    let app = App::echo().await;
    let text = "{\"issued\":\"2020-01-01T00:00:00.000Z\",\"n\":1.50,\"é\":\"\u{2028}\"}";
    let headers = json!({ "content-type": "application/fhir+json" });

    let response = app.output(json!({ "body": text, "headers": headers })).await;

    assert_eq!(response.parts(), (200, Some("application/fhir+json; charset=utf-8"), text));
}

#[tokio::test]
async fn an_object_is_printed_anew() {
    let app = App::echo().await;
    let envelope = r#"{"Outputs":{"res":{"body":{
        "z": "2020-01-01T00:00:00.000Z", "offset": "2015-02-07T13:28:17.239+02:00",
        "day": "2015-02-07", "minute": "2015-02-07T13:28Z", "n": [1.50, 1e3, 7], "none": {},
        "twice": 1, "twice": 2
    }}}}"#;

    let response = sent(app.scripted(&json!({ "response": { "body": envelope } }))).await;

    assert_eq!(
        response.body,
        r#"{
  "z": "2020-01-01T00:00:00Z",
  "offset": "2015-02-07T11:28:17.239+00:00",
  "day": "2015-02-07",
  "minute": "2015-02-07T13:28Z",
  "n": [
    1.5,
    1000.0,
    7
  ],
  "none": {},
  "twice": 2
}"#
    );
}

#[tokio::test]
async fn scalars_have_the_format_of_dot_net() {
    let app = App::echo().await;

    for (body, text) in [
        (json!(true), "True"),
        (json!(1.5), "1.5"),
        (json!("2020-01-01T00:00:00Z"), "01/01/2020 00:00:00"),
        (json!(null), ""),
    ] {
        let response = app.output(json!({ "body": body })).await;
        assert_eq!(response.parts(), (200, PLAIN, text), "{body}");
    }
}

#[tokio::test]
async fn header_values_must_be_ascii_scalars() {
    let app = App::echo().await;

    for value in [json!(["a", "b"]), json!(null), json!("é"), json!("a\nb"), json!({"a": 1})] {
        let response = app.output(json!({ "headers": { "X-A": value }, "body": "x" })).await;
        response.assert_is_empty_500(&value);
    }
    app.output(json!({ "headers": ["X-A"] })).await.assert_is_empty_500(&"headers as an array");
    for (value, sent) in [
        (json!("2020-01-01T00:00:00Z"), "01/01/2020 00:00:00"),
        (json!("Wed, 01 Jan 2020 00:00:00 GMT"), "Wed, 01 Jan 2020 00:00:00 GMT"),
        (json!("W/\"1\""), "W/\"1\""),
        (json!(120), "120"),
        (json!(true), "True"),
    ] {
        let response = app.output(json!({ "headers": { "X-A": value } })).await;
        assert_eq!(response.header("x-a"), Some(sent), "{value}");
    }
}

#[tokio::test]
async fn the_first_spelling_of_a_header_is_kept() {
    let app = App::echo().await;
    let envelope = r#"{"Outputs":{"res":{"headers":{"x-a":"first","X-A":"second"}}}}"#;

    let response = sent(app.scripted(&json!({ "response": { "body": envelope } }))).await;

    assert_eq!(response.headers.get_all("x-a").iter().collect::<Vec<_>>(), ["first"]);
}

#[tokio::test]
async fn a_forbidden_body_closes_the_connection() {
    let app = App::echo().await;
    for (status, goes_on) in [(204, false), (205, true), (304, false)] {
        let output = json!({ "statusCode": status, "body": "x" });
        let envelope = json!({ "Outputs": { "res": output } }).to_string();
        let response = sent(app.scripted(&json!({ "response": { "body": envelope } }))).await;

        assert_eq!((response.status, response.body.as_str()), (status, ""));
        assert_eq!(response.header("connection"), (!goes_on).then_some("close"), "{status}");

        for body in [json!(null), json!("")] {
            let response = app.output(json!({ "statusCode": status, "body": body })).await;
            assert_eq!((response.status, response.body.as_str()), (status, ""));
            assert_eq!(response.header("connection"), None, "{status}");
        }
    }
}

#[tokio::test]
async fn redirects_of_the_handler_are_followed() {
    let app = App::echo().await;
    for (status, method) in [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")]
    {
        let response = json!({ "status": status, "location": "/elsewhere?x=1" });

        let invocation = invocation(app.scripted(&json!({ "response": response }))).await;

        assert_eq!(invocation.echo["path"], "/elsewhere", "{status}");
        assert_eq!(invocation.echo["method"], method, "{status}");
        assert_eq!(invocation.payload.is_object(), method == "POST", "{status}");
    }
}

#[tokio::test]
async fn an_object_as_return_value_overwrites_the_outputs() {
    let app = App::echo().await;
    let outputs = json!({ "res": { "statusCode": 201, "body": "outputs" } });

    for (returned, expected) in [
        (json!({ "res": { "status": 404, "body": "returned" } }), (404, PLAIN, "returned")),
        (json!({ "other": { "status": 404 } }), (201, PLAIN, "outputs")),
        (json!("text"), (201, PLAIN, "outputs")),
    ] {
        let envelope = json!({ "Outputs": outputs, "ReturnValue": returned });
        assert_eq!(app.enveloped(&envelope).await.parts(), expected, "{returned}");
    }
    let alone = app.enveloped(&json!({ "ReturnValue": "text" })).await;
    assert_eq!(alone.parts(), (200, PLAIN, "text"));
}
