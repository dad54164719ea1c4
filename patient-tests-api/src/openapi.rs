//! The contract of this app as an `OpenAPI` document, which API Management imports.

use serde_json::json;
use shared::openapi::{Document, Door, Operation, Route, versioned};

use crate::app::PROBLEM_TYPE_PREFIX;
use crate::functions::{
    create_patient, create_test, delete_patient, delete_test, health, load_patient, load_test,
    search_patient, update_patient, update_test,
};
use crate::medical_test::{MedicalTest, MedicalTestDetails};
use crate::patient::{Patient, PatientDetails, PatientSearch};

const ID: &str = "0190a6b2-1111-7abc-8def-0123456789ab";

const THE_PATIENT: &str = "The patient's id.";
const PATIENTS: Route = Route { path: "/patient", ids: &[] };
const SEARCH: Route = Route { path: "/patient/search", ids: &[] };
const PATIENT: Route = Route { path: "/patient/{patientId}", ids: &[THE_PATIENT] };
const TESTS: Route = Route { path: "/patient/{patientId}/tests", ids: &[THE_PATIENT] };
const TEST: Route =
    Route { path: "/patient/{patientId}/tests/{testId}", ids: &[THE_PATIENT, "The test's id."] };

/// The document, with the paths of the gateway.
pub fn document() -> Document {
    let description = "Patients and the results of their medical tests.";
    let server = "http://localhost:8080";
    let document =
        Document::new("Patient records", description, server, Door::Gateway, PROBLEM_TYPE_PREFIX);
    with_schemas(document)
        .group("Patients", "People, and how to find them.", of_patients())
        .group("Tests", "What laboratories found out about patients.", of_tests())
        .health(
            health::NAME,
            "the secrets are known, the database answers, and so does the register",
        )
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
    document
        .taken("NewPatient", PatientDetails::schema_new(), patient)
        .taken("PatientReplacement", PatientDetails::schema_replacement(), replaced_patient)
        .returned("Patient", Patient::schema(), returned_patient)
        .taken("PatientSearch", PatientSearch::schema(), json!({"firstName": "Ada"}))
        .taken("NewTest", MedicalTestDetails::schema_new(), test)
        .taken("TestReplacement", MedicalTestDetails::schema_replacement(), replaced_test)
        .returned("Test", MedicalTest::schema(), returned_test)
}

fn of_patients() -> [Operation; 6] {
    let create = Operation::new(
        create_patient::NAME,
        "post",
        PATIENTS,
        "Registers a patient.",
        "The server gives the patient an id. With an Idempotency-Key it can be repeated safely.",
    )
    .body("NewPatient")
    .creates("Patient", versioned())
    .problems(&[410]);
    let load = Operation::new(
        load_patient::NAME,
        "get",
        PATIENT,
        "Hands out a patient.",
        "The ETag is the patient's version.",
    )
    .returns("Patient")
    .unless_known();
    let load_head = load.head();
    let update = Operation::new(
        update_patient::NAME,
        "put",
        PATIENT,
        "Gives a patient other details.",
        "The body replaces all details: send what was loaded, changed. Its id is that of the path.",
    )
    .body("PatientReplacement")
    .returns("Patient")
    .changes();
    let delete = Operation::new(
        delete_patient::NAME,
        "delete",
        PATIENT,
        "Deletes a patient and all tests.",
        "From then on the answer is 410. It can be repeated safely.",
    )
    .returns_nothing()
    .changes();
    let search = Operation::new(
        search_patient::NAME,
        "post",
        SEARCH,
        "Finds patients.",
        "All criteria must hold; without any, everybody is found. Whom nobody matches is an empty \
         list. The next page is for the same body.",
    )
    .body("PatientSearch")
    .pages("Patient");
    [create, load, load_head, update, delete, search]
}

fn of_tests() -> [Operation; 7] {
    let create = Operation::new(
        create_test::NAME,
        "post",
        TESTS,
        "Adds a test to a patient.",
        "The patient must exist. With an Idempotency-Key it can be repeated safely.",
    )
    .body("NewTest")
    .creates("Test", versioned())
    .problems(&[404, 410]);
    // The function's last segment is optional, which makes two operations of it.
    let list = Operation::new(
        &format!("{}s", load_test::NAME),
        "get",
        TESTS,
        "Hands out a page of a patient's tests.",
        "They are sorted by id. A page may have less than the limit; a Link leads on.",
    )
    .pages("Test")
    .problems(&[404, 410]);
    let list_head = list.head();
    let load = Operation::new(
        load_test::NAME,
        "get",
        TEST,
        "Hands out a test.",
        "The ETag is the test's version.",
    )
    .returns("Test")
    .unless_known();
    let load_head = load.head();
    let update = Operation::new(
        update_test::NAME,
        "put",
        TEST,
        "Gives a test other details.",
        "The body replaces all details: send what was loaded, changed. Its id is that of the path.",
    )
    .body("TestReplacement")
    .returns("Test")
    .changes();
    let delete = Operation::new(
        delete_test::NAME,
        "delete",
        TEST,
        "Deletes a test.",
        "From then on the answer is 410. It can be repeated safely.",
    )
    .returns_nothing()
    .changes()
    .problems(&[410]);
    [create, list, list_head, load, load_head, update, delete]
}
