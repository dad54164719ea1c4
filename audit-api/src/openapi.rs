//! The contract of this app as an `OpenAPI` document.

use serde_json::json;
use shared::openapi::{Document, Operation};

use crate::audit_record::{AuditRecord, NewAuditRecord};
use crate::functions::create_audit_record;

/// The document, with the paths of the Functions host: the app is not behind the gateway.
pub fn document() -> Document {
    let new_record = json!({
        "sourceSystemName": "PatientTestsApi", "resource": {"type": "patient", "operation": "read"}
    });
    let mut record = new_record.clone();
    record["id"] = json!("0190a6b2-1111-7abc-8def-0123456789ab");
    record["createdDate"] = json!("2020-05-14T15:14:15.120Z");
    let create =
        Operation::new(create_audit_record::NAME, "post", "/auditrecord", "Registers a record.")
            .body("NewAuditRecord")
            .creates("AuditRecord", json!({}));
    Document::new("Audit register", "Who did what to which record.", "http://localhost:7072/api")
        .key_in("x-functions-key")
        .schema("NewAuditRecord", NewAuditRecord::schema(), new_record)
        .schema("AuditRecord", AuditRecord::schema(), record)
        .operation(create)
}
