//! The errors of a request. `http::problem` turns them into responses.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

use crate::Version;
use crate::validation::Mistakes;

/// The result of handling a request.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request failed.
///
/// The `Display` text is for the log; `http::problem` writes the text for the caller. Neither
/// contains a value that a client sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body has wrong, missing or unknown fields.
    #[error("the body has wrong fields, {} of which are listed", .0.len())]
    InvalidBody(Mistakes),
    /// Query parameters are unknown, repeated or empty. The text goes to the caller.
    #[error("the query has wrong parameters")]
    InvalidQuery(String),
    /// The request is invalid for another reason. The text goes to the caller.
    #[error("invalid request: {0}")]
    InvalidRequest(&'static str),
    /// The body is not JSON.
    #[error("the body is not JSON (line {line}, column {column})")]
    InvalidJson {
        /// Line of the first error, from 1.
        line: usize,
        /// Column of the first error, from 1.
        column: usize,
    },
    /// The host called a function that this app does not have.
    #[error("there is no such function")]
    UnknownFunction,
    /// The caller does not have the scope that the function needs.
    #[error("the caller lacks a scope")]
    Forbidden,
    /// There is no such record.
    #[error("there is no such record")]
    NotFound,
    /// The record was deleted.
    #[error("the record was deleted")]
    Deleted,
    /// `If-Match` or `If-None-Match` does not hold.
    #[error("the record has another version")]
    VersionMismatch {
        /// The stored version; `None` if the resource has no version.
        current: Option<Version>,
    },
    /// Concurrent writes kept changing the record, and nothing was written.
    #[error("concurrent writes kept changing the record")]
    Changing,
    /// The body exceeds the limit of the contract.
    #[error("the body is too large")]
    TooLarge,
    /// The host cannot pass on a body of this type undamaged. The text goes to the caller.
    #[error("unsupported media type: {0}")]
    UnsupportedMediaType(&'static str),
    /// An idempotency key was reused with other content.
    #[error("the idempotency key was reused with other content")]
    IdempotencyKeyReused,
    /// The database kept throttling until the deadline.
    #[error("the database kept throttling")]
    Throttled {
        /// The wait that the database last asked for.
        retry_after: Duration,
    },
    /// A dependency could not be reached, or did not answer in time.
    #[error("{dependency} is unavailable")]
    Unavailable {
        /// The dependency, as the caller is to read it.
        dependency: Cow<'static, str>,
        /// The cause, for the log.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A write got no response in time: it may have happened, or may still happen.
    #[error("a write was not confirmed")]
    Unconfirmed {
        /// The cause, for the log.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A health check found, now or a moment ago, that requests would fail.
    #[error("the app is unhealthy")]
    Unhealthy,
    /// A defect in this code.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// One wrong field of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the field; empty for the whole body.
    pub pointer: String,
    /// What is wrong, without the value.
    pub detail: Cow<'static, str>,
}

impl Error {
    /// An unavailable dependency, and the cause for the log.
    pub fn unavailable(
        dependency: impl Into<Cow<'static, str>>,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { dependency: dependency.into(), source: Some(cause.into()) }
    }

    /// The error of a write that cannot be told from a completed one, since looking for it failed
    /// with this error.
    #[must_use]
    pub fn of_unconfirmed_write(self) -> Self {
        match self {
            Self::Throttled { .. } | Self::Unavailable { .. } => {
                Self::Unconfirmed { source: self.into() }
            }
            other => other,
        }
    }

    /// The error of another record that the same command should have stored.
    #[must_use]
    pub(crate) fn of_the_same_command(&self) -> Self {
        const CAUSE: &str = "the same command failed for another record";
        match self {
            Self::Throttled { retry_after } => Self::Throttled { retry_after: *retry_after },
            Self::Unavailable { dependency, .. } => Self::unavailable(dependency.clone(), CAUSE),
            Self::Unconfirmed { .. } => Self::Unconfirmed { source: CAUSE.into() },
            _ => Self::Internal(CAUSE.into()),
        }
    }

    /// Whether an operator should see it: true for every error that the caller did not cause.
    pub fn is_ours(&self) -> bool {
        matches!(self.kind(), Kind::Throttled | Kind::Unavailable | Kind::Internal)
    }

    /// The kind of problem as in `type`, for spans and logs.
    pub fn kind_name(&self) -> &'static str {
        self.kind().name()
    }

    /// The error and its causes in one line, for the log.
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

    /// The kind of problem that the caller gets.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::InvalidBody(_)
            | Self::InvalidRequest(_)
            | Self::InvalidQuery(_)
            | Self::InvalidJson { .. } => Kind::InvalidRequest,
            Self::Forbidden => Kind::Forbidden,
            Self::UnknownFunction | Self::NotFound => Kind::NotFound,
            Self::Deleted => Kind::Deleted,
            Self::VersionMismatch { .. } => Kind::VersionMismatch,
            Self::Changing => Kind::Changing,
            Self::TooLarge => Kind::TooLarge,
            Self::UnsupportedMediaType(_) => Kind::UnsupportedMediaType,
            Self::IdempotencyKeyReused => Kind::IdempotencyKeyReused,
            Self::Throttled { .. } => Kind::Throttled,
            Self::Unavailable { .. } | Self::Unconfirmed { .. } | Self::Unhealthy => {
                Kind::Unavailable
            }
            Self::Internal(_) => Kind::Internal,
        }
    }
}

/// The kinds of problems in `docs/contract.md`.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    InvalidRequest,
    Forbidden,
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
            Self::Forbidden => (403, "forbidden", "Not allowed"),
            Self::NotFound => (404, "not-found", "Not found"),
            Self::Deleted => (410, "deleted", "Deleted"),
            Self::VersionMismatch => (412, "version-mismatch", "The version does not match"),
            Self::Changing => (409, "changing", "The record is being changed"),
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

    pub(crate) const fn status(self) -> u16 {
        self.description().0
    }

    pub(crate) const fn name(self) -> &'static str {
        self.description().1
    }

    pub(crate) const fn title(self) -> &'static str {
        self.description().2
    }
}
