//! `GET` and `HEAD health`

use shared::Result;
use shared::function::no_query;
use shared::health::Part;
use shared::http::Request;
use shared::openapi;

use super::{Function, HEALTH, Handler};
use crate::App;
use crate::audit::{Audited, Operation, Resource};

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "Health",
    methods: &["get", "head"],
    route: "health",
    scope: None,
    query: no_query,
    handle: Handler {
        attempt: Resource::of("health", Operation::Read),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &HEALTH,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![openapi::Operation::health(
        "the API has its secrets and can use the database and the audit register",
    )]
}

/// Checks whether requests would succeed now. It reads no patient, so nothing is recorded.
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
