//! What can go wrong with a request. What the caller sees of it is made by `http::problem`.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

use crate::Version;
use crate::validation::Mistakes;

/// The result of handling a request.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was not answered as asked.
///
/// The `Display` text is for our log; what the caller sees is made by `http::problem`.
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

    /// What kind of problem this is for the caller.
    pub(crate) fn kind(&self) -> Kind {
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
}

/// The kinds of problems in `docs/contract.md`.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
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
