//! Parses the handler's envelope and selects the HTTP output (`HttpScriptInvocationResult.cs`,
//! `HttpScriptInvocationResultExtensions.cs`, `WorkerFunctionInvoker.cs`).

use super::http_output;
use super::json::{self, Json, Members};
use super::kestrel::Response;

/// The maximum nesting of an envelope (`FormattingUtilities.cs` of the Web API).
const DEPTH_MAX: usize = 256;

/// The maximum nesting of an output (Json.NET's limit).
const OUTPUT_DEPTH_MAX: usize = 64;

/// The handler's response to an invocation.
#[derive(Debug, PartialEq)]
pub(super) enum HandlerResponse {
    Envelope(Envelope),
    /// The body is not an envelope: the invocation failed.
    Failed,
    /// The body is empty or null: the invocation never completes.
    Incomplete,
}

/// A parsed envelope: its members and its log lines.
#[derive(Debug, PartialEq)]
pub(super) struct Envelope {
    members: Members,
    pub(super) logs: Vec<String>,
}

impl HandlerResponse {
    /// Parses a 2xx response of the handler.
    pub(super) fn read(media_type: Option<&str>, body: &[u8]) -> Self {
        if body.is_empty() {
            return Self::Incomplete;
        }
        if !is_json(media_type.unwrap_or_default()) {
            return Self::Failed;
        }
        // Text after the first JSON value is ignored.
        let mut members = match json::first(&String::from_utf8_lossy(body), DEPTH_MAX) {
            Ok(None | Some(Json::Null)) => return Self::Incomplete,
            Ok(Some(Json::Object(members))) => members,
            Ok(Some(_)) | Err(()) => return Self::Failed,
        };
        match logs(members.take("Logs")) {
            Some(logs) => Self::Envelope(Envelope { members, logs }),
            None => Self::Failed,
        }
    }
}

impl Envelope {
    /// Converts the output of this name to a response; `None` if it is malformed. Unlike other
    /// names, those of outputs are case-sensitive.
    pub(super) fn into_response(
        mut self,
        name: &str,
        accept_charset: &[String],
    ) -> Option<Response> {
        let outputs = match self.members.take("Outputs") {
            None | Some(Json::Null) => None,
            Some(Json::Object(outputs)) => Some(outputs),
            Some(_) => return None,
        };
        let returned = match self.members.take("ReturnValue") {
            Some(Json::Object(mut outputs)) => match outputs.take_exact(name) {
                // An output in `ReturnValue` overrides the other one, and its `status` counts.
                Some(output) => {
                    let mut output = members(output)?;
                    let code = output.take("statusCode").or_else(|| output.take("status"));
                    return http_output::http(code, output, accept_charset);
                }
                None => None,
            },
            other => other.and_then(Json::into_scalar_text),
        };
        match (outputs, returned) {
            (None, None) => Some(Response::empty(204)),
            (None, Some(scalar)) => Some(http_output::plain(scalar, accept_charset)),
            (Some(mut outputs), _) => match outputs.take_exact(name) {
                Some(Json::Text(text)) => named(json::whole(&text, DEPTH_MAX)?, accept_charset),
                Some(output) => named(output, accept_charset),
                None => Some(http_output::plain("{}".to_owned(), accept_charset)),
            },
        }
    }
}

/// In an output of `Outputs`, `status` is ignored.
fn named(output: Json, accept_charset: &[String]) -> Option<Response> {
    let mut output = members(output)?;
    http_output::http(output.take("statusCode"), output, accept_charset)
}

fn members(output: Json) -> Option<Members> {
    match output {
        Json::Object(members) if members.depth() < OUTPUT_DEPTH_MAX => Some(members),
        _ => None,
    }
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") || essence.eq_ignore_ascii_case("text/json")
}

/// The log lines; numbers and booleans are converted, and an object or array makes the whole
/// envelope malformed.
fn logs(logs: Option<Json>) -> Option<Vec<String>> {
    match logs {
        None | Some(Json::Null) => Some(Vec::new()),
        Some(Json::List(lines)) => lines
            .into_iter()
            .map(|line| match line {
                Json::Text(text) => Some(text),
                Json::Null => Some(String::new()),
                Json::Bool(value) => Some(value.to_string()),
                Json::Integer(digits) => Some(digits),
                Json::Fraction(fraction) => Some(fraction.to_string()),
                Json::List(_) | Json::Object(_) => None,
            })
            .collect(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn respond(body: &str) -> Option<Response> {
        match HandlerResponse::read(Some("application/json"), body.as_bytes()) {
            HandlerResponse::Envelope(envelope) => envelope.into_response("res", &[]),
            HandlerResponse::Failed => None,
            HandlerResponse::Incomplete => panic!("{body} never ends"),
        }
    }

    #[test]
    fn a_body_without_an_envelope_fails_or_never_completes() {
        for (media_type, body, reply) in [
            (None, "", HandlerResponse::Incomplete),
            (Some("application/json"), " ", HandlerResponse::Incomplete),
            (Some("text/json; charset=utf-8"), " null ", HandlerResponse::Incomplete),
            (Some("application/json"), "junk", HandlerResponse::Failed),
            (Some("application/json"), "[]", HandlerResponse::Failed),
            (Some("application/problem+json"), "{}", HandlerResponse::Failed),
            (Some("text/plain"), "{}", HandlerResponse::Failed),
            (None, "{}", HandlerResponse::Failed),
        ] {
            let read = HandlerResponse::read(media_type, body.as_bytes());
            assert_eq!(read, reply, "{body:?} as {media_type:?}");
        }
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |depth: usize| {
            let body = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            respond(&format!(r#"{{"Outputs":{{"res":{{"body":{body}}}}}}}"#))
        };

        assert!(nested(63).is_some());
        assert_eq!(nested(64), None);
        assert_eq!(nested(300), None);
    }
}
