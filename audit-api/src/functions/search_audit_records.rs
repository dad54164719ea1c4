//! `POST auditrecord/search`

use shared::Result;
use shared::http::{Request, Response};
use shared::openapi;
use shared::page::{self, PageRequest};

use super::{Function, RECORDS};
use crate::App;
use crate::audit_record::{AuditRecordSearch, Position};

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "SearchAuditRecords",
    methods: &["post"],
    route: "auditrecord/search",
    scope: None,
    query: |_| page::PARAMETERS,
    handle: |app, request| Box::pin(handle(app, request)),
    group: &RECORDS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "post",
            "Finds audit records.",
            "Records must match all criteria. At least one of patientId, resourceId, userId, \
             subscriptionId, traceId and relatesTo is required, or from and to, at most 31 days \
             apart. patientId finds the records about a patient and those of searches and reads \
             that disclosed the patient. from is inclusive, to is exclusive. Newest first. A page \
             can have fewer items than limit; Link has the next page. Send the same body for it.",
        )
        .body("AuditRecordSearch")
        .pages_by(&Position::schema(), "AuditRecord"),
    ]
}

/// Returns one page of the records that match.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Response> {
    let page = PageRequest::parse(&request, Position::parse)?;
    request.preconditions()?.check_unversioned()?;
    let criteria = AuditRecordSearch::parse(request.json()?)?;

    let found = app.audit_records.search(&criteria, &page, request.deadline).await?;
    Ok(found.into_response())
}
