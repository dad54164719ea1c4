//! `POST audit/search`

use serde_json::{Value, json};
use shared::http::{Request, Response};
use shared::{Result, openapi, page};

use super::{Function, Handler, REGISTER};
use crate::App;
use crate::audit::{
    AUDIT_RECORD, AuditRecordSearch, Audited, CursorMark, Disclosure, FoundPage, Operation,
    Position, Resource,
};

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "SearchAuditRecords",
    methods: &["post"],
    route: "audit/search",
    scope: Some("audit.read"),
    query: |_| page::PARAMETERS,
    handle: Handler {
        attempt: Resource::of(AUDIT_RECORD, Operation::Search),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &REGISTER,
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
        .pages_by(&cursor_schema(), "AuditRecord"),
    ]
}

fn cursor_schema() -> Value {
    json!({"type": "string", "pattern": format!("^{}{}$", Position::PATTERN, CursorMark::PATTERN)})
}

/// Returns one page of the records that match.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    request.preconditions()?.check_unversioned()?;
    let search = AuditRecordSearch::parse(request.json()?)?;
    let mark = search.cursor_mark();
    let limit = page::limit(&request)?;
    let after = page::cursor(&request, |text| Position::parse(mark.unmarked(text)?))?;

    let found = app.audit.search(&search, &page::query(after.as_ref(), limit), &request).await;
    let found = found.map(|FoundPage { records, next }: FoundPage<Value>| {
        let next = next.map(|next| page::query(Some(&mark.mark(&next)), limit));
        let response = Response::ok(&records).with_next_page(next);
        Disclosure::of(records.iter().map(id).collect(), response)
    });
    app.audit.release(&request, Resource::audit_records_like(&search), found).await
}

fn id(record: &Value) -> String {
    record["id"].as_str().unwrap_or_default().to_owned()
}
