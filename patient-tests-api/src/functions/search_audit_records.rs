//! `POST audit/search`

use serde_json::Value;
use shared::http::{Request, Response};
use shared::page::{self, PageRequest};
use shared::{Result, TimeKey, openapi};

use super::{Function, Handler, REGISTER};
use crate::App;
use crate::audit::{
    AUDIT_RECORD, AuditRecordSearch, Audited, Disclosure, FoundPage, Operation, Resource,
};
use crate::ids::AuditRecordTag;

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
        .pages_by(&TimeKey::<AuditRecordTag>::schema(), "AuditRecord"),
    ]
}

/// Returns one page of the records that match.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let page = PageRequest::<TimeKey<AuditRecordTag>>::parse(&request, TimeKey::parse)?;
    request.preconditions()?.check_unversioned()?;
    let search = AuditRecordSearch::parse(request.json()?)?;

    let found = app.audit.search(&search, &page.query(), &request).await;
    let found = found.map(|FoundPage { records, next }: FoundPage<Value>| {
        let response = Response::ok(&records).with_next_page(next);
        Disclosure::of(records.iter().map(id).collect(), response)
    });
    app.audit.release(&request, Resource::audit_records_like(&search), found).await
}

fn id(record: &Value) -> String {
    record["id"].as_str().unwrap_or_default().to_owned()
}
