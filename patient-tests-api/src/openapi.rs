//! The `OpenAPI` document of this app, which API Management imports.

use serde_json::json;
use shared::function;
use shared::openapi::{Document, EntryPoint};
use shared::validation::{Rule, version};

use crate::access_log::{self, Access};
use crate::app::PROBLEM_TYPE_PREFIX;
use crate::audit::{AuditRecordSearch, recorded};
use crate::functions::FUNCTIONS;
use crate::medical_test::{MedicalTest, MedicalTestDetails};
use crate::patient::{Patient, PatientDetails, PatientSearch};
use crate::reconciliation::Report;
use crate::versioned::{Restoration, VersionSummary};

const ID: &str = "0190a6b2-1111-7abc-8def-0123456789ab";

/// The document, with the paths of the gateway.
pub fn document() -> Document {
    let description = "Patients and the results of their medical tests.";
    let document = Document::new(
        "Patient records",
        description,
        "http://localhost:8080",
        EntryPoint::Gateway,
        PROBLEM_TYPE_PREFIX,
    );
    let document = with_schemas(document)
        .id("patientId", "The patient's id.")
        .id("testId", "The test's id.")
        .id("auditRecordId", "The audit record's id.")
        .parameter("version", "The version's number.", version().schema());
    function::describe(&FUNCTIONS, document)
}

fn with_schemas(document: Document) -> Document {
    let patient = json!({
        "firstName": "Ada", "gender": "female", "dateOfBirth": "1985-12-10", "postCode": "2000"
    });
    let test = json!({
        "performer": "Lab",
        "orderReference": "A-1",
        "observations": [{
            "id": "1", "code": "4548-4", "measurement": "5.4 %", "status": "final",
            "issued": "2020-05-14T15:14:15.120Z"
        }]
    });
    let mut replaced_patient = patient.clone();
    replaced_patient["id"] = json!(ID);
    let mut returned_patient = replaced_patient.clone();
    returned_patient["lastUpdated"] = json!("2020-05-14T15:14:15.120Z");
    let mut replaced_test = test.clone();
    replaced_test["id"] = json!(ID);
    let mut returned_test = replaced_test.clone();
    returned_test["patientId"] = json!(ID);
    returned_test["lastUpdated"] = json!("2020-05-14T15:14:15.120Z");
    let returned_version = json!({
        "version": 2, "lastUpdated": "2020-05-14T15:14:15.120Z", "operation": "update",
        "deleted": false, "auditRecordId": ID
    });
    let report = json!({
        "from": "2026-05-14T15:00:00.000Z", "to": "2026-05-14T15:15:00.000Z",
        "createdDate": "2026-05-14T15:20:00.120Z", "intents": 1200, "versions": 1190, "failed": 0,
        "succeeded": 0, "findingsCount": 0, "findings": []
    });
    let access = json!({
        "when": "2026-05-14T15:14:15.120Z", "organisation": "Laboratory North", "action": "read",
        "what": "test results", "count": 2, "purpose": "TREAT", "outcome": "succeeded"
    });
    let bundle = json!({
        "resourceType": "Bundle", "type": "searchset",
        "link": [{"relation": "self", "url": "?limit=100"}]
    });
    let audit_record = json!({
        "id": ID, "createdDate": "2026-05-14T15:14:15.120Z", "sourceSystemName": "PatientTestsApi",
        "resource": {
            "type": "patient", "operation": "read", "id": ID, "patientId": ID, "disclosed": [ID],
            "version": 1
        },
        "outcome": "succeeded",
        "actor": {"keyName": "gateway", "organisation": "Laboratory North"},
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736"
    });
    document
        .taken("NewPatient", PatientDetails::schema_new(), patient)
        .taken("PatientReplacement", PatientDetails::schema_replacement(), replaced_patient)
        .returned("Patient", Patient::schema(), returned_patient)
        .taken("PatientSearch", PatientSearch::schema(), json!({"firstName": "Ada"}))
        .taken("NewTest", MedicalTestDetails::schema_new(), test)
        .taken("TestReplacement", MedicalTestDetails::schema_replacement(), replaced_test)
        .returned("Test", MedicalTest::schema(), returned_test)
        .taken("Restoration", Restoration::schema(), json!({"version": 1}))
        .returned("Version", VersionSummary::schema(), returned_version)
        .returned("Access", Access::schema(), access)
        .returned("AccessBundle", access_log::schema_of_bundle(), bundle)
        .taken("AuditRecordSearch", AuditRecordSearch::schema(), json!({"patientId": ID}))
        .returned("AuditRecord", recorded::schema(), audit_record)
        .returned("Reconciliation", Report::schema(), report)
        .with_health()
}
