//! `GET` and `HEAD health`

use shared::Result;
use shared::health::{Healthy, Part};
use shared::http::{Request, Response};

use crate::App;

pub(crate) const NAME: &str = "Health";

/// Says whether records could be added at this moment. Nobody's data is touched.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Response> {
    request.preconditions()?.check_unversioned()?;
    let parts = |deadline| {
        [
            Part::new("secrets", app.check_secrets(deadline)),
            Part::new("database", app.audit_records.check(deadline)),
        ]
    };

    app.health.check(request.deadline, parts).await.map(Healthy::into_response)
}
