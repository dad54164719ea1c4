//! The handler's envelope, and which of its parts is the answer (`HttpScriptInvocationResult.cs`,
//! `HttpScriptInvocationResultExtensions.cs`, `WorkerFunctionInvoker.cs`).

use hyper::StatusCode;

use super::answer::{Answer, http};
use super::json::{Json, Members};

/// How deep an output may be nested (Json.NET's own limit).
const DEPTH_MAX: usize = 64;

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
    let without_logs = |outcome| Envelope { outcome, logs: Vec::new() };
    if body.is_empty() {
        return without_logs(Outcome::Never);
    }
    if !is_json(media_type.unwrap_or_default()) {
        return without_logs(Outcome::Failed);
    }
    // What follows the first JSON value is ignored.
    let mut envelope = match serde_json::Deserializer::from_slice(body).into_iter().next() {
        None | Some(Ok(Json::Null)) => return without_logs(Outcome::Never),
        Some(Ok(Json::Object(envelope))) => envelope,
        Some(_) => return without_logs(Outcome::Failed),
    };
    let Some(logs) = logs(envelope.take("Logs")) else {
        return without_logs(Outcome::Failed);
    };
    Envelope { outcome: outcome(envelope, output), logs }
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") || essence.eq_ignore_ascii_case("text/json")
}

/// Finds the output. Names of outputs are the one thing that is compared with letter case.
fn outcome(mut envelope: Members, name: &str) -> Outcome {
    let outputs = match envelope.take("Outputs") {
        None | Some(Json::Null) => None,
        Some(Json::Object(outputs)) => Some(outputs),
        Some(_) => return Outcome::Failed,
    };
    let returned = match envelope.take("ReturnValue") {
        Some(Json::Object(mut outputs)) => match outputs.take_exact(name) {
            // An output that is given in this way overwrites the other.
            Some(output) => return returned_output(output),
            None => None,
        },
        other => other.and_then(Json::into_scalar_text),
    };
    match (outputs, returned) {
        (None, None) => Outcome::Answer(Answer::empty(StatusCode::NO_CONTENT)),
        (None, Some(scalar)) => Outcome::Answer(Answer::plain(scalar)),
        (Some(mut outputs), _) => match outputs.take_exact(name) {
            Some(output) => named_output(output),
            None => Outcome::Answer(Answer::plain("{}".to_owned())),
        },
    }
}

/// An output within `Outputs`: its `status` is ignored.
fn named_output(output: Json) -> Outcome {
    let output = match output {
        Json::Text(text) => serde_json::from_str(&text).unwrap_or(Json::Null),
        other => other,
    };
    match output {
        Json::Object(mut output) if output.depth() < DEPTH_MAX => {
            http(output.take("statusCode"), output)
        }
        _ => Outcome::Failed,
    }
}

/// An output within `ReturnValue`: its `status` counts.
fn returned_output(output: Json) -> Outcome {
    match output {
        Json::Object(mut output) if output.depth() < DEPTH_MAX => {
            http(output.take("statusCode").or_else(|| output.take("status")), output)
        }
        _ => Outcome::Failed,
    }
}

/// Texts; numbers and booleans are converted, objects make the whole answer malformed.
fn logs(logs: Option<Json>) -> Option<Vec<String>> {
    match logs {
        None | Some(Json::Null) => Some(Vec::new()),
        Some(Json::List(lines)) => lines
            .into_iter()
            .map(|line| match line {
                Json::Text(text) => Some(text),
                Json::Null => Some(String::new()),
                Json::Bool(value) => Some(value.to_string()),
                Json::Number(number) => Some(number.to_string()),
                Json::List(_) | Json::Object(_) => None,
            })
            .collect(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome_of(media_type: Option<&str>, body: &str) -> Outcome {
        read(media_type, body.as_bytes(), "res").outcome
    }

    #[test]
    fn what_is_no_envelope_fails_or_never_ends() {
        for (media_type, body, outcome) in [
            (None, "", Outcome::Never),
            (Some("application/json"), " ", Outcome::Never),
            (Some("text/json; charset=utf-8"), " null ", Outcome::Never),
            (Some("application/json"), "junk", Outcome::Failed),
            (Some("application/json"), "[]", Outcome::Failed),
            (Some("application/problem+json"), "{}", Outcome::Failed),
            (Some("text/plain"), "{}", Outcome::Failed),
            (None, "{}", Outcome::Failed),
        ] {
            assert_eq!(outcome_of(media_type, body), outcome, "{body:?} as {media_type:?}");
        }
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |depth: usize| {
            let body = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            outcome_of(
                Some("application/json"),
                &format!(r#"{{"Outputs":{{"res":{{"body":{body}}}}}}}"#),
            )
        };

        assert!(matches!(nested(63), Outcome::Answer(_)));
        assert_eq!(nested(64), Outcome::Failed);
        assert_eq!(nested(300), Outcome::Failed);
    }

    #[test]
    fn what_follows_the_envelope_is_ignored() {
        let outcome = outcome_of(Some("application/json"), r#"{"Outputs":{"res":{}}} and more"#);

        assert!(matches!(outcome, Outcome::Answer(_)), "{outcome:?}");
    }
}
