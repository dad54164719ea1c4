//! A few of the administration endpoints (`HostController.cs`).

use super::kestrel::{Request, Response};
use super::keys::Caller;
use super::server::{Front, presented_key};

impl Front {
    /// Answers below `/admin/`, for the master key only; lesser keys are known, and forbidden.
    pub(super) fn admin(&self, request: &Request) -> Response {
        if request.path == "/admin/host/ping" {
            return Response::empty(200);
        }
        let caller = self.keys.caller(presented_key(request).as_deref());
        match caller {
            Caller::Anonymous => Response::empty(401),
            _ if caller.is_admin() => Response::empty(404),
            Caller::Key { .. } => Response::empty(403),
        }
    }
}
