//! `POST auditrecords`

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use shared::function::no_query;
use shared::http::{Request, Response, problem_body};
use shared::mongo::Insertion;
use shared::telemetry::log_failure;
use shared::{Error, Id, Result, openapi};

use super::{Function, RECORDS, create_audit_record};
use crate::App;
use crate::app::PROBLEM_TYPE_PREFIX;
use crate::audit_record::{AuditRecord, KeyedRecord, NewAuditRecords};

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "CreateAuditRecords",
    methods: &["post"],
    route: "auditrecords",
    scope: None,
    query: no_query,
    handle: |app, request| Box::pin(handle(app, request)),
    group: &RECORDS,
    operations,
};

/// What became of one record: the position in the response is that in the request.
#[derive(Serialize)]
#[serde(untagged)]
enum RecordResult {
    Created(CreatedRecord),
    Problem(Box<RawValue>),
}

/// A record that is stored permanently.
#[derive(Serialize)]
struct CreatedRecord {
    id: Id<AuditRecord>,
    status: u16,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replayed: bool,
}

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "post",
            "Adds several audit records.",
            "Each as CreateAuditRecord adds one, with its own idempotency key: the same key has the \
             same record by either function. The response has a result for each record, in order: \
             the id and status 201, or the problem that kept the record out. One record's problem \
             keeps no other out.",
        )
        .body("NewAuditRecords")
        .returns_all("RecordResult"),
    ]
}

/// The `OpenAPI` schema of a result.
pub(crate) fn result_schema() -> Value {
    json!({
        "type": "object",
        "required": ["status"],
        "properties": {
            "status": {"type": "integer", "description": "201, or that of the problem."},
            "id": {"type": "string", "format": "uuid", "description": "The record's, if it is stored."},
            "replayed": {"type": "boolean", "description": "true if an earlier request created it."},
            "type": {"type": "string"},
            "title": {"type": "string"},
            "detail": {"type": "string"},
            "traceId": {"type": "string"},
            "errors": {"type": "array", "items": {"type": "object"}}
        }
    })
}

/// Adds records to the register; each with the status 201 is stored permanently.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Response> {
    request.preconditions()?.check_unversioned()?;
    let NewAuditRecords(entries) = NewAuditRecords::parse(request.json()?)?;
    // A record has the id that CreateAuditRecord gives it.
    let path = request.plain_path();
    let path = path.strip_suffix('s').unwrap_or(&path);
    let register = |KeyedRecord { idempotency_key, record }| {
        let id = request.id_for_key(&idempotency_key, create_audit_record::NAME, path);
        AuditRecord::register(id, record)
    };

    let mut records = Vec::with_capacity(entries.len());
    let read: Vec<_> =
        entries.into_iter().map(|entry| entry.map(|entry| records.push(register(entry)))).collect();
    let mut stored = app.audit_records.insert_each(records, request.deadline).await.into_iter();
    let results = read.into_iter().map(|read| {
        let stored = match read {
            Ok(()) => stored.next().expect("every record has a result"),
            Err(mistakes) => Err(Error::InvalidBody(mistakes)),
        };
        result(stored, &request)
    });
    Ok(Response::ok(&results.collect::<Vec<_>>()))
}

fn result(stored: Result<Insertion<Id<AuditRecord>>>, request: &Request) -> RecordResult {
    let created = |id, replayed| RecordResult::Created(CreatedRecord { id, status: 201, replayed });
    match stored {
        Ok(Insertion::New(id)) => created(id, false),
        Ok(Insertion::Replayed(id)) => created(id, true),
        Err(error) => {
            if error.is_ours() {
                log_failure(&error);
            }
            let trace_id = request.trace.trace_id();
            RecordResult::Problem(problem_body(error, PROBLEM_TYPE_PREFIX, trace_id))
        }
    }
}
