//! `GET auditrecord/{auditRecordId}`

use shared::Result;
use shared::function::no_query;
use shared::http::{Request, Response};
use shared::openapi;

use super::{Function, RECORDS};
use crate::App;

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "LoadAuditRecord",
    methods: &["get"],
    route: "auditrecord/{auditRecordId}",
    scope: None,
    query: no_query,
    handle: |app, request| Box::pin(handle(app, request)),
    group: &RECORDS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "get",
            "Returns an audit record.",
            "Audit records have no versions, since they never change.",
        )
        .returns_unversioned("AuditRecord"),
    ]
}

/// Returns one record.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Response> {
    let id = request.id_param("auditRecordId")?;
    request.preconditions()?.check_unversioned()?;

    let record = app.audit_records.find(id, request.deadline).await?;
    Ok(Response::ok(&record))
}
