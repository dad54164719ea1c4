//! The contract of this app as an `OpenAPI` document.

use serde_json::json;
use shared::openapi::{Document, Door, Operation, Route};

use crate::app::PROBLEM_TYPE_PREFIX;
use crate::audit_record::{AuditRecord, NewAuditRecord};
use crate::functions::{create_audit_record, health};

const RECORDS: Route = Route { path: "/auditrecord", ids: &[] };

/// The document, with the paths of the Functions host: the app is not behind the gateway.
pub fn document() -> Document {
    let new_record = json!({
        "sourceSystemName": "PatientTestsApi", "resource": {"type": "patient", "operation": "read"}
    });
    let mut record = new_record.clone();
    record["id"] = json!("0190a6b2-1111-7abc-8def-0123456789ab");
    record["createdDate"] = json!("2020-05-14T15:14:15.120Z");
    let create = Operation::new(
        create_audit_record::NAME,
        "post",
        RECORDS,
        "Registers a record.",
        "What is registered stays as it is: there is no way to change or to delete it.",
    )
    .body("NewAuditRecord")
    .creates("AuditRecord", json!({}));
    let description = "Who did what to which record.";
    let server = "http://localhost:7072/api";
    Document::new("Audit register", description, server, Door::Host, PROBLEM_TYPE_PREFIX)
        .taken("NewAuditRecord", NewAuditRecord::schema(), new_record)
        .returned("AuditRecord", AuditRecord::schema(), record)
        .group("Records", "What the register keeps.", [create])
        .health(health::NAME, "the secret is known and the database answers")
}
