//! `GET` and `HEAD health`

use shared::Result;
use shared::function::no_query;
use shared::health::{Healthy, Part};
use shared::http::{Request, Response};
use shared::openapi;

use super::{Function, HEALTH};
use crate::App;

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "Health",
    methods: &["get", "head"],
    route: "health",
    scope: None,
    query: no_query,
    handle: |app, request| Box::pin(handle(app, request)),
    group: &HEALTH,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![openapi::Operation::health("the app has its secret and can read the database")]
}

/// Checks whether records can be added now. It reads no record.
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
