//! Which database errors are retried, and when.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::telemetry::metrics;
use crate::{Deadline, Error, backoff, retry};
use mongodb::error::{
    Error as DriverError, ErrorKind, IndexedWriteError, InsertManyError, WriteConcernError,
    WriteFailure,
};

/// `Retry-After` if the database gave no wait.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(1);

/// Runs a repeatable operation until it succeeds, fails permanently, or the deadline is reached.
pub(super) async fn run<T, F>(
    name: &'static str,
    collection: &'static str,
    deadline: Deadline,
    mut operation: impl FnMut() -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, DriverError>>,
{
    let mut throttled = 0;
    let attempt = || {
        let operation = operation();
        async { operation.await.map_err(Failure::from) }
    };
    let note = |failure: &Failure, attempt: u32, pause: Duration| {
        throttled += u32::from(failure.is_throttled());
        tracing::warn!(operation = name, collection, attempt, pause_ms = pause.as_millis() as u64, cause = %failure.cause, "database operation failed, trying again");
    };
    let (outcome, attempts) = retry::until(deadline, attempt, note).await;
    throttled += u32::from(outcome.as_ref().is_err_and(Failure::is_throttled));
    metrics::database(name, collection, attempts, throttled);
    outcome
}

/// Why an operation failed.
#[derive(Debug)]
pub(super) struct Failure {
    class: Class,
    cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// 16500: the request rate is too large. The hint is the time to wait.
    Throttled { hint: Option<Duration> },
    /// A failover, a lost connection, no server available.
    Transient,
    /// 11000: a document with this identifier exists.
    Duplicate,
    /// The database does not accept our credentials, or no longer.
    Unauthenticated,
    /// The database refused the operation, for example an unsupported command.
    Refused,
    /// A defect: a document that cannot be read or written.
    Defect,
}

impl Failure {
    /// Why one document of a command was not inserted.
    pub(super) fn of_one(error: &IndexedWriteError) -> Self {
        let reply = Reply::to_one(error);
        Self { class: classify_code(reply.code, reply.message), cause: Cause::from(reply) }
    }

    /// Whether another attempt can succeed.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self.class, Class::Throttled { .. } | Class::Transient)
    }

    /// Whether a document with this identifier exists.
    pub(super) fn is_duplicate(&self) -> bool {
        self.class == Class::Duplicate
    }

    /// Whether newer credentials could help.
    pub(super) fn is_unauthenticated(&self) -> bool {
        self.class == Class::Unauthenticated
    }

    fn is_throttled(&self) -> bool {
        matches!(self.class, Class::Throttled { .. })
    }
}

impl retry::Failure for Failure {
    fn silence() -> Self {
        Self { class: Class::Transient, cause: Cause::Silence }
    }

    fn pause_after(&self, attempts_made: u32) -> Option<Duration> {
        match self.class {
            Class::Throttled { hint } => Some(backoff::pause(hint, attempts_made)),
            Class::Transient => Some(backoff::pause(None, attempts_made)),
            Class::Duplicate | Class::Unauthenticated | Class::Refused | Class::Defect => None,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure.class {
            Class::Throttled { hint } => {
                Self::Throttled { retry_after: hint.unwrap_or(RETRY_AFTER_DEFAULT) }
            }
            Class::Transient | Class::Unauthenticated | Class::Refused => {
                Self::unavailable("The database", failure.cause)
            }
            Class::Duplicate | Class::Defect => Self::Internal(failure.cause.into()),
        }
    }
}

impl From<DriverError> for Failure {
    fn from(error: DriverError) -> Self {
        Self { class: classify(&error), cause: Cause::from(&error) }
    }
}

/// The loggable part of a driver error: its kind and code, never its message, which can quote
/// documents.
#[derive(Debug, thiserror::Error)]
enum Cause {
    Silence,
    Code { code: i32, name: String },
    Io(std::io::ErrorKind),
    Kind(&'static str),
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence => formatter.write_str("no answer in time"),
            Self::Code { code, name } => write!(formatter, "database error {code} {name}"),
            Self::Io(kind) => write!(formatter, "connection failed: {kind}"),
            Self::Kind(kind) => formatter.write_str(kind),
        }
    }
}

impl From<&DriverError> for Cause {
    fn from(error: &DriverError) -> Self {
        match (&*error.kind, Reply::of(error)) {
            (_, Some(reply)) => reply.into(),
            (ErrorKind::Io(io), None) => Self::Io(io.kind()),
            (kind, None) => Self::Kind(kind_name(kind)),
        }
    }
}

impl From<Reply<'_>> for Cause {
    fn from(reply: Reply<'_>) -> Self {
        Self::Code { code: reply.code, name: reply.name.to_owned() }
    }
}

/// Whether the server may have executed the command, or may still do so, although it did not report
/// that: the connection broke, or the server was interrupted.
pub(super) fn may_have_run(error: &DriverError) -> bool {
    match &*error.kind {
        // Applied on this server, but not yet confirmed by enough others.
        ErrorKind::Write(WriteFailure::WriteConcernError(_)) => true,
        ErrorKind::Write(WriteFailure::WriteError(write)) => is_interruption(write.code),
        ErrorKind::Command(command) => is_interruption(command.code),
        ErrorKind::InsertMany(InsertManyError { write_concern_error, write_errors, .. }) => {
            let mut errors = write_errors.iter().flatten();
            write_concern_error.is_some() || errors.any(|error| is_interruption(error.code))
        }
        // These precede the sending of the command.
        ErrorKind::Authentication { .. }
        | ErrorKind::BsonSerialization(_)
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::DnsResolve { .. }
        | ErrorKind::InvalidArgument { .. }
        | ErrorKind::ServerSelection { .. }
        | ErrorKind::Shutdown => false,
        _ => true,
    }
}

/// Whether a command that failed with this code may have been executed. A server that is not the
/// primary refuses a write before it executes it.
fn is_interruption(code: i32) -> bool {
    const NOT_PRIMARY: [i32; 3] = [10107, 13435, 13436];
    classify_code(code, "") == Class::Transient && !NOT_PRIMARY.contains(&code)
}

fn classify(error: &DriverError) -> Class {
    if let Some(reply) = Reply::of(error) {
        return classify_code(reply.code, reply.message);
    }
    match &*error.kind {
        ErrorKind::Io(_)
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::ServerSelection { .. }
        | ErrorKind::DnsResolve { .. }
        | ErrorKind::Shutdown => Class::Transient,
        ErrorKind::Authentication { .. } => Class::Unauthenticated,
        ErrorKind::BsonDeserialization(_)
        | ErrorKind::BsonSerialization(_)
        | ErrorKind::Bson(_)
        | ErrorKind::InvalidArgument { .. } => Class::Defect,
        _ => Class::Refused,
    }
}

/// Codes as in MongoDB's `error_codes.yml`; 16500 is Cosmos DB's own (its document "Prevent
/// rate-limiting errors for Azure Cosmos DB for MongoDB").
fn classify_code(code: i32, message: &str) -> Class {
    match code {
        16500 => Class::Throttled { hint: retry_after(message) },
        11000 => Class::Duplicate,
        // Unauthorized and AuthenticationFailed: the password or the key was changed.
        13 | 18 => Class::Unauthenticated,
        // Host unreachable or not found, network timeouts, exceeded time limits, shutdowns,
        // elections and reconfigurations: the retryable errors of the drivers' specification.
        6 | 7 | 24 | 50 | 64 | 89 | 91 | 112 | 134 | 189 | 202 | 262 | 317 | 384 | 462 | 9001
        | 10058 | 10107 | 11600 | 11602 | 13435 | 13436 => Class::Transient,
        _ => Class::Refused,
    }
}

/// Cosmos DB writes `RetryAfterMs=34` into the message of error 16500.
fn retry_after(message: &str) -> Option<Duration> {
    let (_, rest) = message.split_once("RetryAfterMs=")?;
    let digits = rest.split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse().ok().map(Duration::from_millis)
}

/// The server's reply to a command or a document that it did not carry out.
struct Reply<'a> {
    code: i32,
    name: &'a str,
    message: &'a str,
}

impl<'a> Reply<'a> {
    /// The reply in a driver error, if the server sent one.
    fn of(error: &'a DriverError) -> Option<Self> {
        Some(match &*error.kind {
            ErrorKind::Command(command) => {
                Self { code: command.code, name: &command.code_name, message: &command.message }
            }
            ErrorKind::Write(WriteFailure::WriteError(write)) => Self {
                code: write.code,
                name: write.code_name.as_deref().unwrap_or_default(),
                message: &write.message,
            },
            ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => {
                Self::unconfirmed(concern)
            }
            ErrorKind::InsertMany(error) => match &error.write_concern_error {
                Some(concern) => Self::unconfirmed(concern),
                None => Self::deciding(error.write_errors.as_deref()?)?,
            },
            _ => return None,
        })
    }

    /// The reply to one document of a command.
    fn to_one(error: &'a IndexedWriteError) -> Self {
        let name = error.code_name.as_deref().unwrap_or_default();
        Self { code: error.code, name, message: &error.message }
    }

    /// The reply that decides whether there is another attempt: that to a document which it may insert.
    fn deciding(errors: &'a [IndexedWriteError]) -> Option<Self> {
        let passing = errors.iter().find(|error| Failure::of_one(error).may_pass());
        passing.or(errors.first()).map(Self::to_one)
    }

    fn unconfirmed(concern: &'a WriteConcernError) -> Self {
        Self { code: concern.code, name: &concern.code_name, message: &concern.message }
    }
}

fn kind_name(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Authentication { .. } => "authentication failed",
        ErrorKind::BsonDeserialization(_) => "a stored document could not be read",
        ErrorKind::BsonSerialization(_) => "a document could not be written as BSON",
        // The driver reports this for both directions.
        ErrorKind::Bson(_) => "a document could not be read or written",
        ErrorKind::ConnectionPoolCleared { .. } => "the connection pool was cleared",
        ErrorKind::DnsResolve { .. } => "the server's name could not be resolved",
        ErrorKind::InvalidArgument { .. } => "the driver refused an argument",
        ErrorKind::InvalidResponse { .. } => "the server's response was invalid",
        ErrorKind::InvalidTlsConfig { .. } => "the TLS configuration is invalid",
        ErrorKind::ServerSelection { .. } => "no server was available",
        _ => "the driver failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backoff::PAUSE_MAX;

    #[test]
    fn the_servers_own_hint_is_found_in_its_message() {
        for (message, expected_ms) in [
            ("Error=16500, RetryAfterMs=34, Details='Response status code ... 429'", Some(34)),
            ("RetryAfterMs=0", Some(0)),
            ("RetryAfterMs=", None),
            ("RetryAfterMs=99999999999999999999999", None),
            ("Request rate is large", None),
        ] {
            assert_eq!(retry_after(message), expected_ms.map(Duration::from_millis), "{message}");
        }
    }

    #[test]
    fn codes_are_told_apart() {
        assert_eq!(classify_code(11000, ""), Class::Duplicate);
        assert_eq!(classify_code(10107, ""), Class::Transient);
        assert_eq!(classify_code(13, ""), Class::Unauthenticated);
        assert_eq!(classify_code(18, ""), Class::Unauthenticated);
        assert_eq!(classify_code(59, ""), Class::Refused);
        assert_eq!(
            classify_code(16500, "RetryAfterMs=5"),
            Class::Throttled { hint: Some(Duration::from_millis(5)) }
        );
    }

    #[test]
    fn only_refused_commands_surely_did_not_run() {
        let io = DriverError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        assert!(may_have_run(&io));
        for (code, may_have_run) in
            [(16500, false), (11000, false), (10107, false), (13, false), (11600, true), (91, true)]
        {
            assert_eq!(is_interruption(code), may_have_run, "{code}");
        }
    }

    #[tokio::test]
    async fn a_transient_failure_is_tried_again_and_a_refusal_is_not() {
        let deadline = Deadline::after(Duration::from_secs(5));
        let mut attempts = 0;
        let result = run("test", "things", deadline, || {
            attempts += 1;
            let lost = attempts < 3;
            async move {
                if lost {
                    Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into())
                } else {
                    Ok(7)
                }
            }
        })
        .await;
        assert_eq!((result.unwrap(), attempts), (7, 3));

        let mut attempts = 0;
        let refused = run("test", "things", deadline, || {
            attempts += 1;
            async { Err::<(), _>(DriverError::custom("no")) }
        })
        .await;
        assert!(matches!(refused, Err(Failure { class: Class::Refused, .. })));
        assert_eq!(attempts, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_databases_error_outlives_an_attempt_that_the_deadline_cuts_short() {
        let mut attempts = 0;
        let result = run("test", "things", Deadline::after(Duration::from_secs(1)), || {
            attempts += 1;
            let speaks = attempts == 1;
            async move {
                if speaks {
                    let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                    return Err::<(), _>(reset.into());
                }
                std::future::pending().await
            }
        })
        .await;

        assert!(matches!(result, Err(Failure { cause: Cause::Io(_), .. })), "{result:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_attempt_starts_that_the_deadline_would_cut_short() {
        let deadline = Deadline::after(Duration::from_secs(1));
        let mut last_start = deadline.remaining();
        let failed = run("test", "things", deadline, || {
            last_start = deadline.remaining();
            async { Err::<(), _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()) }
        })
        .await;

        assert!(matches!(failed, Err(Failure { cause: Cause::Io(_), .. })), "{failed:?}");
        assert!(last_start > Duration::from_millis(400), "{last_start:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_all_attempts() {
        let deadline = Deadline::after(Duration::from_secs(20));

        let silent =
            run("test", "things", deadline, std::future::pending::<Result<(), DriverError>>).await;

        assert!(matches!(silent, Err(Failure { class: Class::Transient, cause: Cause::Silence })));
        assert!(deadline.remaining() < PAUSE_MAX);
    }
}
