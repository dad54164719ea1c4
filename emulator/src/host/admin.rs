//! A few of the administration endpoints (`HostController.cs`, `KeysController.cs`).

use hyper::StatusCode;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use serde_json::{Value, json};

use super::answer::Answer;
use super::invoke::HOST_VERSION;
use super::keys::Caller;
use super::server::{Front, presented_key};

impl Front {
    /// Answers below `/admin/`, for the master key only; lesser keys are known, and forbidden.
    pub(super) fn admin(&self, parts: &Parts) -> Answer {
        // There is no function whose own keys could count.
        let caller = self.keys.caller(presented_key(parts).as_deref(), "");
        match parts.uri.path() {
            "/admin/host/ping" => Answer::empty(StatusCode::OK),
            _ if caller == Caller::Anonymous => Answer::empty(StatusCode::UNAUTHORIZED),
            _ if !caller.is_admin() => Answer::empty(StatusCode::FORBIDDEN),
            "/admin/host/status" => {
                json(&json!({ "id": "emulator", "state": "Running", "version": HOST_VERSION }))
            }
            "/admin/host/keys" | "/admin/host/functionkeys" => {
                let keys: Vec<_> = self
                    .keys
                    .get()
                    .host
                    .into_iter()
                    .map(|(name, value)| json!({ "name": name, "value": value }))
                    .collect();
                json(&json!({ "keys": keys, "links": [] }))
            }
            _ => Answer::empty(StatusCode::NOT_FOUND),
        }
    }
}

fn json(body: &Value) -> Answer {
    let media_type = HeaderValue::from_static("application/json; charset=utf-8");
    Answer::of_type(media_type, body.to_string())
}
