//! `GET` and `HEAD health`

use shared::Result;
use shared::function::no_query;
use shared::health::{Healthy, Part};
use shared::http::{Request, Response};
use shared::openapi;

use super::{Function, HEALTH};
use crate::App;

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
    vec![openapi::Operation::health("the secret is known and the database answers")]
}

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
