//! From the handler's envelope to the HTTP answer, quirks included (`HttpScriptInvocationResult.cs`,
//! `HttpBinding.cs`, `RawScriptResult.cs`).

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::dotnet;

/// An answer to the caller.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What the host makes of an envelope.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Answer(Answer),
    /// The headers go out and then the connection breaks (a body where there must be none).
    Broken,
    /// The invocation failed: an empty 500.
    Failed,
    /// The invocation is never completed.
    Never,
}

/// A parsed envelope: its outcome, and the log lines that came along.
pub(super) struct Envelope {
    pub(super) outcome: Outcome,
    pub(super) logs: Vec<String>,
}

/// Reads what the handler answered with a 2xx status.
pub(super) fn read(media_type: Option<&str>, body: &[u8], output: &str) -> Envelope {
    let failed = Envelope { outcome: Outcome::Failed, logs: Vec::new() };
    let never = Envelope { outcome: Outcome::Never, logs: Vec::new() };
    if body.is_empty() {
        return never;
    }
    let essence = media_type
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if essence != "application/json" && essence != "text/json" {
        return failed;
    }
    // What follows the first JSON value is ignored.
    let envelope = match serde_json::Deserializer::from_slice(body).into_iter::<Value>().next() {
        None | Some(Ok(Value::Null)) => return never,
        Some(Ok(Value::Object(envelope))) => envelope,
        Some(_) => return failed,
    };
    let Some(logs) = logs(member(&envelope, "Logs")) else {
        return failed;
    };
    Envelope { outcome: outcome(&envelope, output), logs }
}

fn outcome(envelope: &Map<String, Value>, output: &str) -> Outcome {
    let outputs = match member(envelope, "Outputs") {
        None | Some(Value::Null) => match member(envelope, "ReturnValue") {
            None | Some(Value::Null) => {
                return Outcome::Answer(Answer::empty(StatusCode::NO_CONTENT));
            }
            Some(_) => return Outcome::Failed,
        },
        Some(Value::Object(outputs)) => outputs,
        Some(_) => return Outcome::Failed,
    };
    // Names of outputs are the one thing that is compared with letter case.
    let Some(output) = outputs.get(output) else {
        let mut answer = Answer::text("{}");
        answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        return Outcome::Answer(answer);
    };
    match output {
        Value::Object(output) => http(output),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Object(output)) => http(&output),
            _ => Outcome::Failed,
        },
        _ => Outcome::Failed,
    }
}

fn http(output: &Map<String, Value>) -> Outcome {
    let Some(status) = status(member(output, "statusCode")) else {
        return Outcome::Failed;
    };
    let headers = match member(output, "headers") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(headers)) => headers.clone(),
        Some(_) => return Outcome::Failed,
    };
    let Some(body) = body(member(output, "body")) else {
        return Outcome::Failed;
    };
    let Some(mut fields) = header_fields(&headers) else {
        return Outcome::Failed;
    };
    let media_type = match fields.remove(CONTENT_TYPE) {
        Some(given) => with_charset(&given),
        None => HeaderValue::from_static("text/plain; charset=utf-8"),
    };
    fields.insert(CONTENT_TYPE, media_type);
    let bodiless = matches!(status.as_u16(), 204 | 205 | 304);
    if bodiless && !body.is_empty() {
        return Outcome::Broken;
    }
    Outcome::Answer(Answer { status, headers: fields, body: Bytes::from(body) })
}

/// Numbers and texts of whole numbers count; anything else is 200, and objects fail.
fn status(code: Option<&Value>) -> Option<StatusCode> {
    let number = match code {
        Some(Value::Object(_) | Value::Array(_)) => return None,
        Some(Value::Number(number)) => number.to_string().parse().ok(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(Value::Null | Value::Bool(_)) | None => None,
    };
    Some(number.and_then(|number: u16| StatusCode::from_u16(number).ok()).unwrap_or(StatusCode::OK))
}

fn body(body: Option<&Value>) -> Option<String> {
    Some(match body {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => dotnet::date_text(text).unwrap_or_else(|| text.clone()),
        Some(Value::Bool(true)) => "True".to_owned(),
        Some(Value::Bool(false)) => "False".to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(structure) => serde_json::to_string_pretty(&rewritten(structure)).ok()?,
    })
}

/// What parsing and printing by Json.NET does to dates and numbers.
fn rewritten(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            Value::from(dotnet::rewritten_date(text).unwrap_or_else(|| text.clone()))
        }
        Value::Array(items) => items.iter().map(rewritten).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), rewritten(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// One line per name; null, arrays, objects and what is not ASCII end in a 500.
fn header_fields(headers: &Map<String, Value>) -> Option<HeaderMap> {
    let mut fields = HeaderMap::new();
    for (name, value) in headers {
        let text = match value {
            Value::String(text) => dotnet::date_text(text).unwrap_or_else(|| text.clone()),
            Value::Number(number) => number.to_string(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return None;
        }
        // The first of two spellings of a name stays.
        fields.entry(name).or_insert(HeaderValue::from_str(&text).ok()?);
    }
    Some(fields)
}

fn with_charset(given: &HeaderValue) -> HeaderValue {
    let text = given.to_str().unwrap_or_default();
    if text.to_ascii_lowercase().contains("charset=") {
        return given.clone();
    }
    HeaderValue::from_str(&format!("{text}; charset=utf-8")).unwrap_or_else(|_| given.clone())
}

/// Texts; numbers and booleans are converted, objects make the whole answer malformed.
fn logs(logs: Option<&Value>) -> Option<Vec<String>> {
    match logs {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(lines)) => lines
            .iter()
            .map(|line| match line {
                Value::String(text) => Some(text.clone()),
                Value::Number(_) | Value::Bool(_) | Value::Null => Some(line.to_string()),
                Value::Array(_) | Value::Object(_) => None,
            })
            .collect(),
        Some(_) => None,
    }
}

fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .iter()
        .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

impl Answer {
    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub(super) fn text(body: &'static str) -> Self {
        Self { body: Bytes::from_static(body.as_bytes()), ..Self::empty(StatusCode::OK) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(envelope: Value) -> Outcome {
        read(Some("application/json"), envelope.to_string().as_bytes(), "res").outcome
    }

    fn answer(envelope: Value) -> (u16, Option<String>, String) {
        match of(envelope) {
            Outcome::Answer(answer) => (
                answer.status.as_u16(),
                answer.headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap().to_owned()),
                String::from_utf8(answer.body.to_vec()).unwrap(),
            ),
            other => panic!("{other:?}"),
        }
    }

    fn res(res: Value) -> Value {
        json!({ "Outputs": { "res": res } })
    }

    #[test]
    fn only_status_code_counts() {
        for (output, status) in [
            (json!({"statusCode": 404}), 404),
            (json!({"statusCode": "404"}), 404),
            (json!({"STATUSCODE": " 404 "}), 404),
            (json!({"statusCode": "x"}), 200),
            (json!({"status": 404}), 200),
            (json!({"statusCode": true}), 200),
            (json!({}), 200),
        ] {
            assert_eq!(answer(res(output.clone())).0, status, "{output}");
        }
        assert_eq!(of(res(json!({"statusCode": {}}))), Outcome::Failed);
    }

    #[test]
    fn a_missing_output_is_200_with_an_empty_object() {
        assert_eq!(answer(json!({})), (204, None, String::new()));
        for envelope in [json!({"Outputs": {}}), json!({"Outputs": {"Res": {"statusCode": 404}}})] {
            assert_eq!(answer(envelope).2, "{}");
        }
    }

    #[test]
    fn a_text_body_goes_out_as_it_is() {
        let text = "{\"issued\":\"2020-01-01T00:00:00.000Z\",\"n\":1.50}";

        assert_eq!(
            answer(res(json!({"body": text, "headers": {"content-type": "application/json"}}))),
            (200, Some("application/json; charset=utf-8".to_owned()), text.to_owned())
        );
        assert_eq!(answer(res(json!({"body": "2020-01-01T00:00:00Z"}))).2, "01/01/2020 00:00:00");
        assert_eq!(answer(res(json!({"body": true}))).2, "True");
    }

    #[test]
    fn an_object_body_is_rewritten() {
        let body = answer(res(json!({"body": {"issued": "2020-01-01T00:00:00.000Z"}}))).2;

        assert_eq!(body, "{\n  \"issued\": \"2020-01-01T00:00:00Z\"\n}");
    }

    #[test]
    fn what_is_no_envelope_fails_or_never_ends() {
        assert_eq!(read(Some("application/json"), b"", "res").outcome, Outcome::Never);
        assert_eq!(read(Some("application/json"), b" null ", "res").outcome, Outcome::Never);
        assert_eq!(read(Some("application/json"), b"junk", "res").outcome, Outcome::Failed);
        assert_eq!(read(Some("application/json"), b"[]", "res").outcome, Outcome::Failed);
        assert_eq!(read(Some("text/plain"), b"{}", "res").outcome, Outcome::Failed);
        assert_eq!(read(None, b"{}", "res").outcome, Outcome::Failed);
        assert_eq!(of(json!({"Outputs": {"res": null}})), Outcome::Failed);
        assert_eq!(of(json!({"Outputs": {"res": {}}, "Logs": [{}]})), Outcome::Failed);
    }

    #[test]
    fn headers_that_cannot_be_sent_fail() {
        for value in [json!(null), json!(["a"]), json!("é"), json!("a\nb")] {
            assert_eq!(of(res(json!({"headers": {"X-A": value}}))), Outcome::Failed, "{value}");
        }
    }

    #[test]
    fn a_body_where_there_must_be_none_breaks_the_connection() {
        assert_eq!(of(res(json!({"statusCode": 204, "body": "x"}))), Outcome::Broken);
        assert_eq!(answer(res(json!({"statusCode": 204, "body": null}))).0, 204);
        assert_eq!(answer(res(json!({"statusCode": 304, "body": ""}))).0, 304);
    }
}
