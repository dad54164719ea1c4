//! Errors that API Management raises: `context.LastError`, and the default response when the
//! `on-error` section begins.
//!
//! Sources, reasons and messages come from the tables "Predefined errors for built-in steps" and
//! "Predefined errors for policies"
//! (<https://learn.microsoft.com/azure/api-management/api-management-error-handling-policies>).

use std::fmt;
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{HeaderMap, StatusCode};
use serde_json::json;

use super::message::{Body, Response};

/// `context.LastError`.
#[derive(Debug)]
pub(super) struct LastError {
    /// The policy, or the built-in step, that raised it.
    pub(super) source: &'static str,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// An error on its way to the `on-error` section.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Box<LastError>,
    status: StatusCode,
    headers: HeaderMap,
}

impl Failure {
    fn new(
        status: StatusCode,
        source: &'static str,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        let error = Box::new(LastError { source, reason, message: message.into() });
        Self { error, status, headers: HeaderMap::new() }
    }

    fn with(mut self, name: HeaderName, value: Result<HeaderValue, impl Sized>) -> Self {
        if let Ok(value) = value {
            self.headers.insert(name, value);
        }
        self
    }

    fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.with(RETRY_AFTER, Ok::<_, ()>(HeaderValue::from(seconds)))
    }

    /// No operation has this method and path. A path with other methods only is treated alike
    /// (<https://techcommunity.microsoft.com/blog/azurepaasblog/azure-api-management-limitation-workaround-return-404-instead-of-405-when-the-ht/1588413>).
    pub(super) fn operation_not_found() -> Self {
        let message = "Unable to match incoming request to an operation.";
        Self::new(StatusCode::NOT_FOUND, "configuration", "OperationNotFound", message)
    }

    /// The challenge is not documented; real gateways send this one, with the URL of the API as
    /// realm.
    fn unauthorized(reason: &'static str, message: &'static str, url: &str) -> Self {
        let challenge = format!(
            r#"AzureApiManagementKey realm="{url}",name="Ocp-Apim-Subscription-Key",type="header""#
        );
        Self::new(StatusCode::UNAUTHORIZED, "authorization", reason, message)
            .with(WWW_AUTHENTICATE, HeaderValue::try_from(challenge))
    }

    pub(super) fn subscription_key_not_found(url: &str) -> Self {
        let message = "Access denied due to missing subscription key. \
                       Make sure to include subscription key when making requests to this API.";
        Self::unauthorized("SubscriptionKeyNotFound", message, url)
    }

    pub(super) fn subscription_key_invalid(url: &str) -> Self {
        let message = "Access denied due to invalid subscription key. \
                       Make sure to provide a valid key for an active subscription.";
        Self::unauthorized("SubscriptionKeyInvalid", message, url)
    }

    pub(super) fn rate_limit_exceeded(wait: Duration) -> Self {
        let message = "Rate limit is exceeded";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate-limit", "RateLimitExceeded", message)
            .retry_after(wait)
    }

    /// The reference of `quota` documents a `Retry-After` too.
    pub(super) fn quota_exceeded(wait: Duration) -> Self {
        let (minutes, seconds) = (wait.as_secs() / 60, wait.as_secs() % 60);
        let message = format!(
            "Out of call volume quota. Quota will be replenished in {:02}:{:02}:{seconds:02}.",
            minutes / 60,
            minutes % 60,
        );
        Self::new(StatusCode::FORBIDDEN, "quota", "QuotaExceeded", message).retry_after(wait)
    }

    /// The tables list only `validate-jwt`, of which `validate-azure-ad-token` is a special case.
    pub(super) fn token(reason: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "validate-azure-ad-token", reason, message)
    }

    pub(super) fn expression(policy: &'static str, message: impl Into<String>) -> Self {
        let (status, reason) =
            (StatusCode::INTERNAL_SERVER_ERROR, "ExpressionValueEvaluationFailure");
        Self::new(status, policy, reason, message)
    }

    /// The caller disconnected before the body was complete.
    pub(super) fn client_connection(policy: &'static str) -> Self {
        let message = "The body of the request is incomplete.";
        Self::new(StatusCode::BAD_REQUEST, policy, "ClientConnectionFailure", message)
    }

    /// The status is not documented; real gateways return 500.
    pub(super) fn backend_connection(policy: &'static str) -> Self {
        let message = "The backend cannot be reached, or has closed the connection.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, policy, "BackendConnectionFailure", message)
    }

    pub(super) fn timeout(policy: &'static str) -> Self {
        let message = "The backend has sent no headers in time.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, policy, "Timeout", message)
    }

    /// The default response, which an `on-error` section may change.
    pub(super) fn response(&self) -> Response {
        let message = match self.status {
            StatusCode::NOT_FOUND => "Resource not found",
            status if status.is_server_error() => "Internal server error",
            _ => &self.error.message,
        };
        let body = json!({ "statusCode": self.status.as_u16(), "message": message });
        let mut headers = self.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Response { status: self.status, headers, body: Body::from(body.to_string()) }
    }
}

impl fmt::Display for LastError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} raised {}: {}", self.source, self.reason, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_as_documented() {
        let wait = Duration::from_millis(1500);
        for (failure, status, words, retry_after) in [
            (Failure::operation_not_found(), 404, "configuration raised OperationNotFound", None),
            (
                Failure::subscription_key_not_found("http://a"),
                401,
                "authorization raised SubscriptionKeyNotFound",
                None,
            ),
            (
                Failure::subscription_key_invalid("http://a"),
                401,
                "authorization raised SubscriptionKeyInvalid",
                None,
            ),
            (
                Failure::rate_limit_exceeded(wait),
                429,
                "rate-limit raised RateLimitExceeded",
                Some("2"),
            ),
            (
                Failure::quota_exceeded(Duration::from_secs(3723)),
                403,
                "quota raised QuotaExceeded: Out of call volume quota. \
                 Quota will be replenished in 01:02:03.",
                Some("3723"),
            ),
            (Failure::timeout("forward-request"), 500, "forward-request raised Timeout", None),
        ] {
            let response = failure.response();
            assert_eq!(response.status.as_u16(), status);
            assert!(failure.error.to_string().starts_with(words), "{}", failure.error);
            let header = response.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            assert_eq!(header, retry_after);
        }
    }

    #[test]
    fn a_missing_key_gets_a_challenge() {
        let response = Failure::subscription_key_not_found("http://127.0.0.1:8080").response();

        assert_eq!(
            response.headers[WWW_AUTHENTICATE],
            "AzureApiManagementKey realm=\"http://127.0.0.1:8080\",\
             name=\"Ocp-Apim-Subscription-Key\",type=\"header\""
        );
    }
}
