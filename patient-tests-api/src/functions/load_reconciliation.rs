//! `GET reconciliation`

use shared::function::no_query;
use shared::http::{Request, Response};
use shared::{Error, Result, openapi};

use super::{Function, Handler, REGISTER};
use crate::App;
use crate::audit::{Audited, Disclosure, Resource};

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "LoadReconciliation",
    methods: &["get"],
    route: "reconciliation",
    scope: Some("audit.read"),
    query: no_query,
    handle: Handler {
        attempt: Resource::reconciliation(),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &REGISTER,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "get",
            "Returns the newest report of the reconciliation.",
            "It compares the changes that were announced in the audit register with those that \
             were made. A finding is a version of a patient or test that nothing announced.",
        )
        .returns_unversioned("Reconciliation"),
    ]
}

/// Returns the newest report.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    request.preconditions()?.check_unversioned()?;

    let newest = app.reports.newest(request.deadline).await;
    let found = newest.and_then(|report| report.ok_or(Error::NotFound)).map(|report| {
        let response = Response::ok(&report);
        Disclosure::of(report.ids(), response)
    });
    app.audit.release(&request, Resource::reconciliation(), found).await
}
