//! `GET` and `HEAD health`

use serde_json::json;
use shared::Result;
use shared::health::Part;
use shared::http::{Request, Response};

use crate::App;

pub(crate) const NAME: &str = "Health";

/// Says whether requests would work at this moment. No patient is touched, so nothing is recorded.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Response> {
    request.preconditions()?.check_unversioned()?;
    let parts = |deadline| {
        [
            Part::new("secrets", app.check_secrets(deadline)),
            Part::new("database", app.patients.check(deadline)),
            Part::new("register", app.audit.check(&request, deadline)),
        ]
    };

    app.health.check(request.deadline, parts).await?;
    Ok(Response::ok(&json!({})))
}
