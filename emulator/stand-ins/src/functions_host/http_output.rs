//! Converts the `http` output of an invocation to the HTTP response, with the host's quirks
//! (`HttpBinding.cs`, `RawScriptResult.cs`).

use super::charset::Charset;
use super::json::{Json, Members};
use super::kestrel::Response;

const PLAIN_TEXT: &str = "text/plain";

/// A plain-text response in the charset that the caller accepts.
pub(super) fn plain(body: String, accept_charset: &[String]) -> Response {
    text(200, Vec::new(), None, body, accept_charset)
}

/// Converts an output and its status to a response; `None` if the invocation has failed.
///
/// A response of 500 means that a header cannot be sent. The invocation has succeeded by then, and
/// the response has the headers before that one.
pub(super) fn http(
    status_code: Option<Json>,
    mut output: Members,
    accept_charset: &[String],
) -> Option<Response> {
    let given = match output.take("headers") {
        None | Some(Json::Null) => Members::default(),
        Some(Json::Object(headers)) => headers,
        Some(_) => return None,
    };
    let status = status(status_code)?;
    let body = match output.take("body") {
        None | Some(Json::Null) => String::new(),
        // Strings are sent unchanged, except dates; objects and arrays are serialised again.
        Some(structure @ (Json::List(_) | Json::Object(_))) => structure.indented(),
        Some(scalar) => scalar.into_scalar_text()?,
    };
    let mut headers: Vec<(String, String)> = Vec::with_capacity(given.0.len() + 5);
    let mut media_type = None;
    for (name, value) in given.0 {
        let Some(value) = value.into_scalar_text().filter(|value| can_be_sent(&name, value)) else {
            headers.extend(media_type.map(|media_type| ("Content-Type".to_owned(), media_type)));
            return Some(Response { headers, ..Response::empty(500) });
        };
        if name.eq_ignore_ascii_case("Content-Type") {
            media_type = Some(value);
        } else if !headers.iter().any(|(earlier, _)| earlier.eq_ignore_ascii_case(&name)) {
            // Of two spellings of a name, the first is kept.
            headers.push((name, value));
        }
    }
    Some(text(status, headers, media_type, body, accept_charset))
}

fn text(
    status: i32,
    mut headers: Vec<(String, String)>,
    media_type: Option<String>,
    body: String,
    accept_charset: &[String],
) -> Response {
    let media_type = media_type.unwrap_or_else(|| PLAIN_TEXT.to_owned());
    let charset = Charset::negotiate(accept_charset, &media_type);
    headers.push(("Content-Type".to_owned(), charset.set_in(&media_type)));
    Response { status, headers, body: charset.encode(body) }
}

/// Accepts integers and strings of integers; other values mean 200. Objects, arrays and integers
/// beyond 32 bits fail the invocation.
fn status(code: Option<Json>) -> Option<i32> {
    match code {
        Some(Json::Object(_) | Json::List(_)) => None,
        Some(Json::Integer(digits)) => digits.parse().ok(),
        Some(Json::Text(text)) => Some(text.trim().parse().unwrap_or(200)),
        Some(Json::Null | Json::Bool(_) | Json::Fraction(_)) | None => Some(200),
    }
}

/// Kestrel accepts visible ASCII, spaces and tabs (`HttpCharacters.cs`).
fn can_be_sent(name: &str, value: &str) -> bool {
    let is_text = |byte: u8| byte == b'\t' || (0x20..0x7f).contains(&byte);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_name) && value.bytes().all(is_text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::json::whole;
    use super::*;

    fn output_response(output: &Value) -> Option<Response> {
        let Some(Json::Object(mut output)) = whole(&output.to_string(), 64) else {
            panic!("{output} is no object");
        };
        http(output.take("statusCode"), output, &[])
    }

    fn respond(output: &Value) -> (i32, String, String) {
        let response = output_response(output).expect("the invocation has not failed");
        let media_type = response.header("content-type").unwrap().to_owned();
        (response.status, media_type, String::from_utf8(response.body.to_vec()).unwrap())
    }

    #[test]
    fn only_integers_are_a_status() {
        for (code, status) in [
            (json!(404), 404),
            (json!(" 404 "), 404),
            (json!(404.0), 200),
            (json!("x"), 200),
            (json!(true), 200),
            (json!(99_999), 99_999),
            (json!(100), 100),
        ] {
            assert_eq!(respond(&json!({ "STATUSCODE": code })).0, status, "{code}");
        }
        for code in [json!({}), json!([]), json!(3_000_000_000_u64)] {
            assert_eq!(output_response(&json!({ "statusCode": code })), None, "{code}");
        }
    }

    #[test]
    fn scalars_have_the_format_of_dot_net() {
        for (body, text) in [
            (json!("{\"n\":1.50}"), "{\"n\":1.50}"),
            (json!("2020-01-01T00:00:00Z"), "01/01/2020 00:00:00"),
            (json!(true), "True"),
            (json!(1000.0), "1000"),
            (json!(null), ""),
        ] {
            let (_, media_type, printed) = respond(&json!({ "body": body }));
            assert_eq!(printed, text);
            assert_eq!(media_type, "text/plain; charset=utf-8");
        }
    }

    #[test]
    fn an_invalid_header_keeps_the_headers_before_it() {
        for bad in [json!(null), json!(["1"]), json!("é"), json!("a\u{1}")] {
            let headers = json!({ "A": "1\t2", "Content-Type": "a/b", "X": bad, "Y": "3" });

            let response = output_response(&json!({ "headers": headers, "body": "x" })).unwrap();

            assert_eq!((response.status, response.body.len()), (500, 0), "{bad}");
            assert_eq!(response.header("A"), Some("1\t2"), "{bad}");
            assert_eq!(response.header("Content-Type"), Some("a/b"), "{bad}");
            assert_eq!((response.header("X"), response.header("Y")), (None, None), "{bad}");
        }
    }
}
