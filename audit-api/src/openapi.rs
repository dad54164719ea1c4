//! The `OpenAPI` document of this app.

use serde_json::json;
use shared::function;
use shared::openapi::{Document, EntryPoint};

use crate::app::PROBLEM_TYPE_PREFIX;
use crate::audit_record::{AuditRecord, AuditRecordSearch, NewAuditRecord, NewAuditRecords};
use crate::functions::{FUNCTIONS, create_audit_records};

/// The document, with the paths of the Functions host: this app is not behind the gateway.
pub fn document() -> Document {
    let new_record = json!({
        "sourceSystemName": "PatientTestsApi", "resource": {"type": "patient", "operation": "read"}
    });
    let mut record = new_record.clone();
    record["id"] = json!("0190a6b2-1111-7abc-8def-0123456789ab");
    record["createdDate"] = json!("2020-05-14T15:14:15.120Z");
    let new_records = json!({"records": [{"idempotencyKey": "k-1", "record": new_record}]});
    let result = json!({"id": record["id"], "status": 201});
    let search = json!({
        "patientId": "0190a6b2-2222-7abc-8def-0123456789ab", "from": "2020-05-01T00:00:00Z"
    });
    let description = "The register of who did what to which record.";
    let server = "http://localhost:7072/api";
    let document =
        Document::new("Audit register", description, server, EntryPoint::Host, PROBLEM_TYPE_PREFIX)
            .taken("NewAuditRecord", NewAuditRecord::schema(), new_record)
            .taken("NewAuditRecords", NewAuditRecords::schema(), new_records)
            .returned("RecordResult", create_audit_records::result_schema(), result)
            .taken("AuditRecordSearch", AuditRecordSearch::schema(), search)
            .returned("AuditRecord", AuditRecord::schema(), record)
            .id("auditRecordId", "The audit record's id.")
            .with_health();
    function::describe(&FUNCTIONS, document)
}
