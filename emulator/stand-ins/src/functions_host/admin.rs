//! Some of the administration endpoints (`HostController.cs`, `FunctionsController.cs`).

use super::kestrel::{Request, Response};
use super::keys::Caller;
use super::server::{Router, presented_key};

impl Router {
    /// Serves `/admin/`, which requires the master key; host keys get 403. The key of a function is
    /// unknown here.
    pub(super) fn admin(&self, request: &Request) -> Response {
        if request.path == "/admin/host/ping" {
            return Response::empty(200);
        }
        let caller = self.keys.caller(presented_key(request).as_deref(), None);
        match (caller.is_admin(), request.path.strip_prefix("/admin/functions/")) {
            (true, Some(function)) if request.method == "POST" => self.run_now(function, request),
            (true, _) => Response::empty(404),
            (false, _) if caller == Caller::Anonymous => Response::empty(401),
            (false, _) => Response::empty(403),
        }
    }

    /// Starts a run of a timer function without waiting for its end. HTTP functions cannot run
    /// without a request.
    fn run_now(&self, function: &str, request: &Request) -> Response {
        // The body carries the function's input, which a timer ignores.
        if request.headers.get("Content-Length").is_none_or(|length| length == "0") {
            return Response::empty(400);
        }
        if !self.timers.has(function) {
            return Response::empty(404);
        }
        let (timers, function) = (self.timers.clone(), function.to_owned());
        tokio::spawn(async move { timers.run(&function).await });
        Response::empty(202)
    }
}
