//! `GET audit/{auditRecordId}`

use serde_json::Value;
use shared::function::no_query;
use shared::http::{Request, Response};
use shared::{Error, Result, openapi};

use super::{Function, Handler, REGISTER};
use crate::App;
use crate::audit::{AUDIT_RECORD, Audited, Disclosure, Operation, Resource};

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "LoadAuditRecord",
    methods: &["get"],
    route: "audit/{auditRecordId}",
    scope: Some("audit.read"),
    query: no_query,
    handle: Handler {
        attempt: Resource::of(AUDIT_RECORD, Operation::Read),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &REGISTER,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new("get", "Returns an audit record.", "Audit records never change.")
            .returns_unversioned("AuditRecord"),
    ]
}

/// Returns one audit record.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let id = request.id_param("auditRecordId")?;
    request.preconditions()?.check_unversioned()?;

    let found = app.audit.find::<Value>(id, &request.trace, request.deadline).await;
    let found = found.and_then(|record| record.ok_or(Error::NotFound));
    let found = found.map(|record| Disclosure::of(vec![id.to_string()], Response::ok(&record)));
    app.audit.release(&request, Resource::audit_record(id), found).await
}
