//! What can go wrong with a request, and the one place where it becomes an HTTP problem.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

use crate::Version;
use crate::http::Response;
use crate::telemetry::TraceId;
use crate::validation::Mistakes;

/// The result of handling a request.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a client should wait before it tries again when nothing more exact is known.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(5);

/// What a client should wait whose change others kept getting ahead of: they are about done.
const RETRY_AFTER_COLLISIONS: Duration = Duration::from_secs(1);

/// Why a request was not answered as asked.
///
/// The `Display` text is for our log; what the caller sees is made by [`Error::into_response`].
/// Neither ever contains a value that a client sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body has wrong, missing or unknown fields.
    #[error("the body has wrong fields, {} of which are listed", .0.len())]
    InvalidBody(Mistakes),
    /// Query parameters are unknown, repeated or empty; the text is for the caller.
    #[error("the query has wrong parameters")]
    InvalidQuery(String),
    /// Something else about the request is wrong; the text is for the caller.
    #[error("invalid request: {0}")]
    InvalidRequest(&'static str),
    /// The body is not JSON.
    #[error("the body is not JSON (line {line}, column {column})")]
    InvalidJson {
        /// Line of the first mistake, from 1.
        line: usize,
        /// Column of the first mistake, from 1.
        column: usize,
    },
    /// The host asked for a function that this app does not have.
    #[error("there is no such function")]
    UnknownFunction,
    /// There is no such record.
    #[error("there is no such record")]
    NotFound,
    /// The record was deleted.
    #[error("the record was deleted")]
    Deleted,
    /// `If-Match` or `If-None-Match` does not hold.
    #[error("the record has another version")]
    VersionMismatch {
        /// The version that is stored; none where there is nothing with a version.
        current: Option<Version>,
    },
    /// Others changed the record again and again, and nothing was written.
    #[error("others kept changing the record")]
    Changing,
    /// The body is larger than the contract allows.
    #[error("the body is too large")]
    TooLarge,
    /// The body is of a type that the host cannot hand over undamaged; the text is for the caller.
    #[error("unsupported media type: {0}")]
    UnsupportedMediaType(&'static str),
    /// An idempotency key came again with other content.
    #[error("the idempotency key was used for other content")]
    IdempotencyKeyReused,
    /// The database kept asking us to slow down.
    #[error("the database kept throttling")]
    Throttled {
        /// What the database last asked for.
        retry_after: Duration,
    },
    /// A dependency could not be reached, or did not answer in time.
    #[error("{dependency} is unavailable")]
    Unavailable {
        /// What is missing, in words for the caller.
        dependency: Cow<'static, str>,
        /// Why, for our log.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A check of the app's health found that requests would fail, now or a moment ago.
    #[error("the app is unhealthy")]
    Unhealthy,
    /// A defect of ours.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// One wrong field of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the field; empty for the whole body.
    pub pointer: String,
    /// What is wrong with it, without its value.
    pub detail: Cow<'static, str>,
}

impl Error {
    /// A dependency that cannot be reached, and the cause for our log.
    pub fn unavailable(
        dependency: impl Into<Cow<'static, str>>,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { dependency: dependency.into(), source: Some(cause.into()) }
    }

    /// Whether an operator should hear of it: everything that the caller did not cause.
    pub fn is_ours(&self) -> bool {
        matches!(self.kind(), Kind::Throttled | Kind::Unavailable | Kind::Internal)
    }

    /// The problem's kind as it stands in `type`, for spans and logs.
    pub fn kind_name(&self) -> &'static str {
        self.kind().name()
    }

    /// What happened and why, in one line for our log.
    pub(crate) fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }

    /// The problem (RFC 9457) that the caller sees.
    pub fn into_response(self, trace_id: TraceId) -> Response {
        let kind = self.kind();
        let detail = self.detail();
        let (retry_after, current, mistakes) = match self {
            Self::Throttled { retry_after } => (Some(retry_after), None, Mistakes::default()),
            Self::Unavailable { .. } | Self::Unhealthy => {
                (Some(RETRY_AFTER_DEFAULT), None, Mistakes::default())
            }
            Self::Changing => (Some(RETRY_AFTER_COLLISIONS), None, Mistakes::default()),
            Self::VersionMismatch { current } => (None, current, Mistakes::default()),
            Self::InvalidBody(mistakes) => (None, None, mistakes),
            Self::InvalidRequest(_)
            | Self::InvalidQuery(_)
            | Self::InvalidJson { .. }
            | Self::UnknownFunction
            | Self::NotFound
            | Self::Deleted
            | Self::TooLarge
            | Self::UnsupportedMediaType(_)
            | Self::IdempotencyKeyReused
            | Self::Internal(_) => (None, None, Mistakes::default()),
        };
        let problem = Problem {
            r#type: format!("urn:problem:patient-records:{}", kind.name()),
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

    fn kind(&self) -> Kind {
        match self {
            Self::InvalidBody(_)
            | Self::InvalidRequest(_)
            | Self::InvalidQuery(_)
            | Self::InvalidJson { .. } => Kind::InvalidRequest,
            Self::UnknownFunction | Self::NotFound => Kind::NotFound,
            Self::Deleted => Kind::Deleted,
            Self::VersionMismatch { .. } => Kind::VersionMismatch,
            Self::Changing => Kind::Changing,
            Self::TooLarge => Kind::TooLarge,
            Self::UnsupportedMediaType(_) => Kind::UnsupportedMediaType,
            Self::IdempotencyKeyReused => Kind::IdempotencyKeyReused,
            Self::Throttled { .. } => Kind::Throttled,
            Self::Unavailable { .. } | Self::Unhealthy => Kind::Unavailable,
            Self::Internal(_) => Kind::Internal,
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::InvalidBody(mistakes) if mistakes.has_more() => Cow::Owned(format!(
                "More than {0} fields of the body are wrong; errors lists the first {0}.",
                mistakes.len()
            )),
            Self::InvalidBody(_) => {
                Cow::Borrowed("Fields of the body are wrong; errors lists each.")
            }
            Self::InvalidRequest(text) | Self::UnsupportedMediaType(text) => Cow::Borrowed(text),
            Self::InvalidQuery(text) => Cow::Owned(text.clone()),
            Self::InvalidJson { line, column } => {
                Cow::Owned(format!("The body is not JSON (line {line}, column {column})."))
            }
            Self::UnknownFunction => Cow::Borrowed("There is no such function."),
            Self::NotFound => Cow::Borrowed("There is no such record."),
            Self::Deleted => Cow::Borrowed("The record was deleted."),
            Self::VersionMismatch { current: Some(_) } => Cow::Borrowed(
                "If-Match or If-None-Match does not hold; ETag names the current version.",
            ),
            Self::VersionMismatch { current: None } => {
                Cow::Borrowed("If-Match does not hold: there is nothing here that has a version.")
            }
            Self::Changing => Cow::Borrowed(
                "Others kept changing the record at the same time; nothing was written. Try again.",
            ),
            Self::TooLarge => Cow::Borrowed("The body is larger than 1 MiB."),
            Self::IdempotencyKeyReused => {
                Cow::Borrowed("This Idempotency-Key was used before, with other content.")
            }
            Self::Throttled { .. } => Cow::Borrowed("The database is busy; try again later."),
            Self::Unavailable { dependency, .. } => {
                Cow::Owned(format!("{dependency} cannot be reached in time; try again later."))
            }
            Self::Unhealthy => Cow::Borrowed(
                "Something that requests need cannot be reached in time; try again later.",
            ),
            Self::Internal(_) => {
                Cow::Borrowed("Something went wrong here; traceId helps us to find it.")
            }
        }
    }
}

/// The kinds of problems in `docs/contract.md`.
#[derive(Clone, Copy)]
enum Kind {
    InvalidRequest,
    NotFound,
    Deleted,
    VersionMismatch,
    Changing,
    TooLarge,
    UnsupportedMediaType,
    IdempotencyKeyReused,
    Throttled,
    Unavailable,
    Internal,
}

impl Kind {
    const fn description(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::InvalidRequest => (400, "invalid-request", "The request is invalid"),
            Self::NotFound => (404, "not-found", "Not found"),
            Self::Deleted => (410, "deleted", "Deleted"),
            Self::VersionMismatch => (412, "version-mismatch", "The version does not match"),
            Self::Changing => (409, "changing", "Others are changing it"),
            Self::TooLarge => (413, "too-large", "The body is too large"),
            Self::UnsupportedMediaType => {
                (415, "unsupported-media-type", "The media type is not supported")
            }
            Self::IdempotencyKeyReused => {
                (422, "idempotency-key-reused", "The idempotency key was used before")
            }
            Self::Throttled => (429, "throttled", "Too many requests"),
            Self::Unavailable => (503, "unavailable", "Unavailable"),
            Self::Internal => (500, "internal", "Internal error"),
        }
    }

    const fn status(self) -> u16 {
        self.description().0
    }

    const fn name(self) -> &'static str {
        self.description().1
    }

    const fn title(self) -> &'static str {
        self.description().2
    }
}

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

/// `Retry-After` counts whole seconds; a part of one is rounded up, and zero would mean no wait.
fn seconds_up(duration: Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn problem(error: Error) -> (Response, Value) {
        let response = error.into_response(TraceId::from_bytes([0xab; 16]));
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
                "type": "urn:problem:patient-records:invalid-request",
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
    fn what_is_unhealthy_is_for_our_log_alone() {
        let (response, body) = problem(Error::Unhealthy);

        assert_eq!((response.status(), response.header("Retry-After")), (503, Some("5")));
        assert_eq!(body["type"], "urn:problem:patient-records:unavailable");
        assert_eq!(
            body["detail"],
            "Something that requests need cannot be reached in time; try again later."
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
        assert_eq!(body["type"], "urn:problem:patient-records:changing");
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
