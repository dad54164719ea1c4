//! A few of the administration endpoints (`HostController.cs`).

use hyper::StatusCode;
use hyper::http::request::Parts;

use super::answer::Answer;
use super::keys::Caller;
use super::server::{Front, presented_key};

impl Front {
    /// Answers below `/admin/`, for the master key only; lesser keys are known, and forbidden.
    pub(super) fn admin(&self, parts: &Parts) -> Answer {
        let caller = self.keys.caller(presented_key(parts).as_deref());
        match parts.uri.path() {
            "/admin/host/ping" => Answer::empty(StatusCode::OK),
            _ if caller == Caller::Anonymous => Answer::empty(StatusCode::UNAUTHORIZED),
            _ if !caller.is_admin() => Answer::empty(StatusCode::FORBIDDEN),
            _ => Answer::empty(StatusCode::NOT_FOUND),
        }
    }
}
