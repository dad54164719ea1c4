//! From an output to the HTTP answer, quirks included (`HttpBinding.cs`, `RawScriptResult.cs`).

use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};

use super::envelope::Outcome;
use super::json::{Json, Members};

const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// An answer to the caller.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub(super) fn plain(body: impl Into<Bytes>) -> Self {
        Self::of_type(PLAIN_TEXT, body)
    }

    pub(super) fn of_type(media_type: HeaderValue, body: impl Into<Bytes>) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, media_type)]);
        Self { status: StatusCode::OK, headers, body: body.into() }
    }
}

/// Turns an output into an answer, with what stands for its status.
pub(super) fn http(status_code: Option<Json>, mut output: Members) -> Outcome {
    let given = match output.take("headers") {
        None | Some(Json::Null) => Members::default(),
        Some(Json::Object(headers)) => headers,
        Some(_) => return Outcome::Failed,
    };
    let parts = (status(status_code), body(output.take("body")), header_fields(given));
    let (Some(status), Some(body), Some(mut headers)) = parts else {
        return Outcome::Failed;
    };
    let media_type = headers.get(CONTENT_TYPE).map_or(PLAIN_TEXT, with_charset);
    headers.insert(CONTENT_TYPE, media_type);
    let has_no_body = matches!(status.as_u16(), 204 | 205 | 304);
    let length = headers.remove(CONTENT_LENGTH);
    let is_as_long = length.is_none_or(|length| length == body.len().to_string());
    if has_no_body && !body.is_empty() || !is_as_long {
        return Outcome::Broken;
    }
    Outcome::Answer(Answer { status, headers, body: Bytes::from(body) })
}

/// Numbers and texts of whole numbers count; anything else is 200, and objects fail.
fn status(code: Option<Json>) -> Option<StatusCode> {
    let number = match code {
        Some(Json::Object(_) | Json::List(_)) => return None,
        Some(Json::Number(number)) => number.as_u64().and_then(|number| number.try_into().ok()),
        Some(Json::Text(text)) => text.trim().parse().ok(),
        Some(Json::Null | Json::Bool(_)) | None => None,
    };
    Some(number.and_then(|number: u16| StatusCode::from_u16(number).ok()).unwrap_or(StatusCode::OK))
}

/// A text goes out as it is, unless it is a date; objects and arrays are printed anew.
fn body(body: Option<Json>) -> Option<String> {
    match body {
        None | Some(Json::Null) => Some(String::new()),
        Some(structure @ (Json::List(_) | Json::Object(_))) => {
            serde_json::to_string_pretty(&structure).ok()
        }
        Some(scalar) => scalar.into_scalar_text(),
    }
}

/// One line per name; null, arrays, objects and what is not ASCII end in a 500.
fn header_fields(headers: Members) -> Option<HeaderMap> {
    let mut fields = HeaderMap::with_capacity(headers.0.len() + 2);
    for (name, value) in headers.0 {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let text = value.into_scalar_text()?;
        if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return None;
        }
        // The first of two spellings of a name stays.
        fields.entry(name).or_insert(HeaderValue::try_from(text).ok()?);
    }
    Some(fields)
}

/// Text is written as UTF-8, and the answer says so whatever the handler said
/// (`TextOutputFormatter.cs`). UTF-16, which the host could write as well, is not emulated.
fn with_charset(given: &HeaderValue) -> HeaderValue {
    let text = given.to_str().unwrap_or_default();
    let mut parts: Vec<_> = text.split(';').collect();
    match parts.iter().position(|part| charset(part).is_some()) {
        Some(at) if charset(parts[at]).is_some_and(|name| name.eq_ignore_ascii_case("utf-8")) => {
            return given.clone();
        }
        Some(at) => parts[at] = " charset=utf-8",
        None => parts.push(" charset=utf-8"),
    }
    HeaderValue::try_from(parts.join(";")).unwrap_or_else(|_| given.clone())
}

/// The charset that a parameter of a media type names.
fn charset(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.trim().split_once('=')?;
    name.eq_ignore_ascii_case("charset").then(|| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(output: &Value) -> Outcome {
        let Ok(Json::Object(mut output)) = serde_json::from_value(output.clone()) else {
            panic!("{output} is no object");
        };
        http(output.take("statusCode"), output)
    }

    fn answer(output: &Value) -> (u16, String, String) {
        match of(output) {
            Outcome::Answer(answer) => (
                answer.status.as_u16(),
                answer.headers[CONTENT_TYPE].to_str().unwrap().to_owned(),
                String::from_utf8(answer.body.to_vec()).unwrap(),
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_whole_numbers_are_a_status() {
        for (code, status) in [
            (json!(404), 404),
            (json!(" 404 "), 404),
            (json!(404.0), 200),
            (json!("x"), 200),
            (json!(true), 200),
            (json!(99_999), 200),
        ] {
            assert_eq!(answer(&json!({ "STATUSCODE": code })).0, status, "{code}");
        }
        assert_eq!(of(&json!({"statusCode": {}})), Outcome::Failed);
    }

    #[test]
    fn scalars_are_printed_as_net_does_it() {
        for (body, text) in [
            (json!("{\"n\":1.50}"), "{\"n\":1.50}"),
            (json!("2020-01-01T00:00:00Z"), "01/01/2020 00:00:00"),
            (json!(true), "True"),
            (json!(1000.0), "1000"),
            (json!(null), ""),
        ] {
            let (_, media_type, printed) = answer(&json!({ "body": body }));
            assert_eq!(printed, text);
            assert_eq!(media_type, "text/plain; charset=utf-8");
        }
    }

    #[test]
    fn the_charset_is_always_utf_8() {
        for (given, sent) in [
            ("application/json", "application/json; charset=utf-8"),
            ("text/html; Charset=UTF-8", "text/html; Charset=UTF-8"),
            ("text/html;charset=\"utf-8\"", "text/html;charset=\"utf-8\""),
            ("text/html;charset=latin1;a=b", "text/html; charset=utf-8;a=b"),
        ] {
            assert_eq!(answer(&json!({"headers": {"content-type": given}})).1, sent);
        }
    }

    #[test]
    fn a_wrong_length_breaks_the_connection() {
        assert_eq!(of(&json!({"body": "é", "headers": {"Content-Length": 1}})), Outcome::Broken);
        assert_eq!(answer(&json!({"body": "é", "headers": {"Content-Length": "2"}})).2, "é");
    }
}
