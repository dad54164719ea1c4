//! The handler's envelope, and which of its parts is the response (`HttpScriptInvocationResult.cs`,
//! `HttpScriptInvocationResultExtensions.cs`, `WorkerFunctionInvoker.cs`).

use super::http_response;
use super::json::{self, Json, Members};
use super::kestrel::Response;

/// How deep an envelope may be nested (`FormattingUtilities.cs` of the Web API).
const DEPTH_MAX: usize = 256;

/// How deep an output may be nested (Json.NET's own limit).
const OUTPUT_DEPTH_MAX: usize = 64;

/// What the handler answered an invocation with.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    Envelope(Envelope),
    /// No envelope: the invocation failed.
    Failed,
    /// Nothing: the invocation is never completed.
    Never,
}

/// A parsed envelope: its members, and the log lines that came along.
#[derive(Debug, PartialEq)]
pub(super) struct Envelope {
    members: Members,
    pub(super) logs: Vec<String>,
}

impl Reply {
    /// Reads what the handler answered with a 2xx status.
    pub(super) fn read(media_type: Option<&str>, body: &[u8]) -> Self {
        if body.is_empty() {
            return Self::Never;
        }
        if !is_json(media_type.unwrap_or_default()) {
            return Self::Failed;
        }
        // What follows the first JSON value is ignored.
        let mut members = match json::first(&String::from_utf8_lossy(body), DEPTH_MAX) {
            Ok(None | Some(Json::Null)) => return Self::Never,
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
    /// The response in the output of this name; nothing if it is not as it must be. Names of outputs
    /// are the one thing that is compared with letter case.
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
                // An output that is given in this way overwrites the other, and its `status` counts.
                Some(output) => {
                    let mut output = members(output)?;
                    let code = output.take("statusCode").or_else(|| output.take("status"));
                    return http_response::http(code, output, accept_charset);
                }
                None => None,
            },
            other => other.and_then(Json::into_scalar_text),
        };
        match (outputs, returned) {
            (None, None) => Some(Response::empty(204)),
            (None, Some(scalar)) => Some(http_response::plain(scalar, accept_charset)),
            (Some(mut outputs), _) => match outputs.take_exact(name) {
                Some(Json::Text(text)) => named(json::whole(&text, DEPTH_MAX)?, accept_charset),
                Some(output) => named(output, accept_charset),
                None => Some(http_response::plain("{}".to_owned(), accept_charset)),
            },
        }
    }
}

/// An output within `Outputs`: its `status` is ignored.
fn named(output: Json, accept_charset: &[String]) -> Option<Response> {
    let mut output = members(output)?;
    http_response::http(output.take("statusCode"), output, accept_charset)
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

/// Texts; numbers and booleans are converted, objects make the whole response malformed.
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
        match Reply::read(Some("application/json"), body.as_bytes()) {
            Reply::Envelope(envelope) => envelope.into_response("res", &[]),
            Reply::Failed => None,
            Reply::Never => panic!("{body} never ends"),
        }
    }

    #[test]
    fn what_is_no_envelope_fails_or_never_ends() {
        for (media_type, body, reply) in [
            (None, "", Reply::Never),
            (Some("application/json"), " ", Reply::Never),
            (Some("text/json; charset=utf-8"), " null ", Reply::Never),
            (Some("application/json"), "junk", Reply::Failed),
            (Some("application/json"), "[]", Reply::Failed),
            (Some("application/problem+json"), "{}", Reply::Failed),
            (Some("text/plain"), "{}", Reply::Failed),
            (None, "{}", Reply::Failed),
        ] {
            let read = Reply::read(media_type, body.as_bytes());
            assert_eq!(read, reply, "{body:?} as {media_type:?}");
        }
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |depth: usize| {
            let body = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            respond(&format!(r#"{{"Outputs":{{"res":{{"body":{body}}}}}}}"#))
        };

        assert!(nested(63).is_some());
        assert_eq!(nested(64), None);
        assert_eq!(nested(300), None);
    }
}
