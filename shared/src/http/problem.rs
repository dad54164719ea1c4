//! Turns an error into an HTTP problem (RFC 9457); no other module does.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

use super::Response;
use crate::error::{Error, FieldError};
use crate::telemetry::TraceId;
use crate::validation::Mistakes;

/// `Retry-After` when no more exact wait is known.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(5);

/// `Retry-After` after conflicts with other writes, which are about done.
const RETRY_AFTER_COLLISIONS: Duration = Duration::from_secs(1);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: Cow<'static, str>,
    trace_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// The problem that the caller gets; its `type` is `type_prefix` and the kind of the error.
pub(crate) fn problem(error: Error, type_prefix: &str, trace_id: TraceId) -> Response {
    let kind = error.kind();
    let detail = detail(&error);
    let (retry_after, current, mistakes) = match error {
        Error::Throttled { retry_after } => (Some(retry_after), None, Mistakes::default()),
        Error::Unavailable { .. } | Error::Unconfirmed { .. } | Error::Unhealthy => {
            (Some(RETRY_AFTER_DEFAULT), None, Mistakes::default())
        }
        Error::Changing => (Some(RETRY_AFTER_COLLISIONS), None, Mistakes::default()),
        Error::VersionMismatch { current } => (None, current, Mistakes::default()),
        Error::InvalidBody(mistakes) => (None, None, mistakes),
        Error::InvalidRequest(_)
        | Error::InvalidQuery(_)
        | Error::InvalidJson { .. }
        | Error::UnknownFunction
        | Error::Forbidden
        | Error::NotFound
        | Error::Deleted
        | Error::TooLarge
        | Error::UnsupportedMediaType(_)
        | Error::IdempotencyKeyReused
        | Error::Internal(_) => (None, None, Mistakes::default()),
    };
    let problem = Problem {
        r#type: [type_prefix, kind.name()].concat(),
        title: kind.title(),
        status: kind.status(),
        detail,
        trace_id: trace_id.to_string(),
        errors: mistakes.into_listed(),
    };
    let mut response = Response::problem(problem.status, &problem);
    if let Some(wait) = retry_after {
        response = response.with_header("Retry-After", seconds_up(wait).to_string());
    }
    if let Some(version) = current {
        response = response.with_version(version);
    }
    response
}

/// The body of the problem, where it is a part of a response.
pub fn problem_body(error: Error, type_prefix: &str, trace_id: TraceId) -> Box<RawValue> {
    let body = problem(error, type_prefix, trace_id).into_body().unwrap_or_default();
    RawValue::from_string(body).expect("a problem is JSON")
}

fn detail(error: &Error) -> Cow<'static, str> {
    match error {
        Error::InvalidBody(mistakes) if mistakes.has_more() => Cow::Owned(format!(
            "More than {0} fields of the body are wrong; errors lists the first {0}.",
            mistakes.len()
        )),
        Error::InvalidBody(_) => Cow::Borrowed("Fields of the body are wrong; errors lists each."),
        Error::InvalidRequest(text) | Error::UnsupportedMediaType(text) => Cow::Borrowed(text),
        Error::InvalidQuery(text) => Cow::Owned(text.clone()),
        Error::InvalidJson { line, column } => {
            Cow::Owned(format!("The body is not JSON (line {line}, column {column})."))
        }
        Error::UnknownFunction => Cow::Borrowed("There is no such function."),
        Error::Forbidden => Cow::Borrowed("The caller lacks the scope that this function needs."),
        Error::NotFound => Cow::Borrowed("There is no such record."),
        Error::Deleted => Cow::Borrowed("The record was deleted."),
        Error::VersionMismatch { current: Some(_) } => Cow::Borrowed(
            "If-Match or If-None-Match does not hold; ETag names the current version.",
        ),
        Error::VersionMismatch { current: None } => {
            Cow::Borrowed("If-Match does not hold: this resource has no version.")
        }
        Error::Changing => Cow::Borrowed(
            "Concurrent writes kept changing the record; nothing was written. Try again.",
        ),
        Error::TooLarge => Cow::Borrowed("The body is larger than 1 MiB."),
        Error::IdempotencyKeyReused => {
            Cow::Borrowed("This Idempotency-Key was used before, with other content.")
        }
        Error::Throttled { .. } => Cow::Borrowed("The database is busy; try again later."),
        Error::Unavailable { dependency, .. } => {
            Cow::Owned(format!("{dependency} cannot be reached in time; try again later."))
        }
        Error::Unconfirmed { .. } => Cow::Borrowed(
            "The database did not confirm the change in time; it may have happened. Load the record \
             before you try again.",
        ),
        Error::Unhealthy => {
            Cow::Borrowed("A dependency of the API cannot be reached in time; try again later.")
        }
        Error::Internal(_) => {
            Cow::Borrowed("Internal error; quote the traceId when you report it.")
        }
    }
}

/// `Retry-After` is in whole seconds. Rounds up, since zero would mean no wait.
fn seconds_up(duration: Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Version;

    fn problem(error: Error) -> (Response, Value) {
        let response =
            super::problem(error, "urn:problem:parcels:", TraceId::from_bytes([0xab; 16]));
        let body = serde_json::from_str(response.body().unwrap()).unwrap();
        (response, body)
    }

    #[test]
    fn wrong_fields_are_listed_with_their_pointers() {
        let mut mistakes = Mistakes::default();
        mistakes.note_at("firstName", "is required");
        let (response, body) = problem(Error::InvalidBody(mistakes));

        assert_eq!(response.status(), 400);
        assert_eq!(response.header("Content-Type"), Some("application/problem+json"));
        assert_eq!(
            body,
            json!({
                "type": "urn:problem:parcels:invalid-request",
                "title": "The request is invalid",
                "status": 400,
                "detail": "Fields of the body are wrong; errors lists each.",
                "traceId": "abababababababababababababababab",
                "errors": [{"pointer": "/firstName", "detail": "is required"}],
            })
        );
    }

    #[test]
    fn a_list_of_wrong_fields_has_an_end() {
        let mut mistakes = Mistakes::default();
        for _ in 0..101 {
            mistakes.note_at("a", "is not a known field");
        }
        let (_, body) = problem(Error::InvalidBody(mistakes));

        assert_eq!(body["errors"].as_array().unwrap().len(), 100);
        assert_eq!(
            body["detail"],
            "More than 100 fields of the body are wrong; errors lists the first 100."
        );
    }

    #[test]
    fn causes_stay_with_us() {
        let (response, body) =
            problem(Error::unavailable("The database", "connect to db.internal:10255 failed"));

        assert_eq!(response.status(), 503);
        assert_eq!(response.header("Retry-After"), Some("5"));
        assert_eq!(body["detail"], "The database cannot be reached in time; try again later.");
        assert!(!body.to_string().contains("db.internal"));
    }

    #[test]
    fn a_write_that_may_have_happened_says_so() {
        let lost = Error::unavailable("The database", "no answer").of_unconfirmed_write();
        let (response, body) = problem(lost);

        assert_eq!((response.status(), response.header("Retry-After")), (503, Some("5")));
        assert_eq!(body["type"], "urn:problem:parcels:unavailable");
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains("it may have happened"), "{detail}");
    }

    #[test]
    fn the_failing_parts_are_only_logged() {
        let (response, body) = problem(Error::Unhealthy);

        assert_eq!((response.status(), response.header("Retry-After")), (503, Some("5")));
        assert_eq!(body["type"], "urn:problem:parcels:unavailable");
        assert_eq!(
            body["detail"],
            "A dependency of the API cannot be reached in time; try again later."
        );
    }

    #[test]
    fn a_version_mismatch_brings_the_current_version() {
        let (response, _) = problem(Error::VersionMismatch { current: Some(Version::FIRST) });

        assert_eq!(response.status(), 412);
        assert_eq!(response.header("ETag"), Some("\"1\""));
    }

    #[test]
    fn a_collision_says_when_to_come_back() {
        let (response, body) = problem(Error::Changing);

        assert_eq!((response.status(), response.header("Retry-After")), (409, Some("1")));
        assert_eq!(body["type"], "urn:problem:parcels:changing");
    }

    #[test]
    fn retry_after_is_rounded_up_to_whole_seconds() {
        for (wait_ms, expected) in [(0, "1"), (34, "1"), (1000, "1"), (1001, "2")] {
            let (response, _) =
                problem(Error::Throttled { retry_after: Duration::from_millis(wait_ms) });

            assert_eq!(response.status(), 429);
            assert_eq!(response.header("Retry-After"), Some(expected));
        }
    }
}
