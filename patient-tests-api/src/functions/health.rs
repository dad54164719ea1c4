//! `GET` and `HEAD health`

use shared::Result;
use shared::health::Part;
use shared::http::Request;

use crate::App;
use crate::audit::Audited;

pub(crate) const NAME: &str = "Health";

/// Says whether requests would work at this moment. No patient is touched, so nothing is recorded.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    request.preconditions()?.check_unversioned()?;
    let parts = |deadline| {
        [
            Part::new("secrets", app.check_secrets(deadline)),
            Part::new("database", app.patients.check(deadline)),
            Part::new("register", app.audit.check(&request, deadline)),
        ]
    };

    app.health.check(request.deadline, parts).await.map(Audited::without_data)
}
