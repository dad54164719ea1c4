//! `POST auditrecord`

use shared::Result;
use shared::http::{Request, Response};
use shared::mongo::Insertion;

use crate::App;
use crate::audit_record::{AuditRecord, NewAuditRecord};

pub(crate) const NAME: &str = "CreateAuditRecord";

/// Adds a record to the register; once this answers 201, the record is there to stay.
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
