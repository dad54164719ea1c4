//! `POST auditrecord`

use serde_json::json;
use shared::Result;
use shared::function::no_query;
use shared::http::{Request, Response};
use shared::mongo::Insertion;
use shared::openapi;

use super::{Function, RECORDS};
use crate::App;
use crate::audit_record::{AuditRecord, NewAuditRecord};

/// The name. Changing it changes the ids that are derived from idempotency keys.
pub(super) const NAME: &str = "CreateAuditRecord";

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: NAME,
    methods: &["post"],
    route: "auditrecord",
    scope: None,
    query: no_query,
    handle: |app, request| Box::pin(handle(app, request)),
    group: &RECORDS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "post",
            "Adds an audit record.",
            "Audit records are permanent: they cannot be changed or deleted.",
        )
        .body("NewAuditRecord")
        .creates("AuditRecord", json!({})),
    ]
}

/// Adds a record to the register. After 201 the record is stored permanently.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Response> {
    request.preconditions()?.check_unversioned()?;
    let new_record = NewAuditRecord::parse(request.json()?)?;
    let record = AuditRecord::register(request.id_to_create(NAME)?, new_record);

    let created = |record: &AuditRecord| {
        Response::created(request.location_of("auditrecord", record.id), record)
    };
    Ok(match app.audit_records.insert(record, request.deadline).await? {
        Insertion::New(record) => created(&record),
        Insertion::Replayed(record) => created(&record).replayed(),
    })
}
