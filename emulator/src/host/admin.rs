//! A few of the administration endpoints (`HostController.cs`, `KeysController.cs`).

use hyper::StatusCode;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use serde_json::{Value, json};

use super::answer::Answer;
use super::invoke::HOST_VERSION;
use super::server::{Front, presented_key};

impl Front {
    /// Answers below `/admin/`, for the master key only.
    pub(super) fn admin(&self, parts: &Parts) -> Answer {
        let is_admin = presented_key(parts).is_some_and(|key| self.keys.is_master(&key));
        match (parts.uri.path(), is_admin) {
            ("/admin/host/ping", _) => Answer::empty(StatusCode::OK),
            (_, false) => Answer::empty(StatusCode::UNAUTHORIZED),
            ("/admin/host/status", true) => {
                json(&json!({ "id": "emulator", "state": "Running", "version": HOST_VERSION }))
            }
            ("/admin/host/keys" | "/admin/host/functionkeys", true) => {
                let keys: Vec<_> = self
                    .keys
                    .get()
                    .host
                    .into_iter()
                    .map(|(name, value)| json!({ "name": name, "value": value }))
                    .collect();
                json(&json!({ "keys": keys, "links": [] }))
            }
            (_, true) => Answer::empty(StatusCode::NOT_FOUND),
        }
    }
}

fn json(body: &Value) -> Answer {
    let media_type = HeaderValue::from_static("application/json; charset=utf-8");
    Answer::of_type(media_type, body.to_string())
}
