//! `GET` and `HEAD health`

use shared::Result;
use shared::function::no_query;
use shared::health::Part;
use shared::http::Request;
use shared::openapi;

use super::{Function, HEALTH};
use crate::App;
use crate::audit::Audited;

/// How the table knows it.
pub(crate) const FUNCTION: Function = Function {
    name: "Health",
    methods: &["get", "head"],
    route: "health",
    query: no_query,
    handle: |app, request| Box::pin(handle(app, request)),
    group: &HEALTH,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![openapi::Operation::health(
        "the secrets are known, the database answers, and so does the register",
    )]
}

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
