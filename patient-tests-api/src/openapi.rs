//! The contract of this app as an `OpenAPI` document, which API Management imports.

use serde_json::json;
use shared::openapi::{Document, Operation, versioned};

use crate::functions::{
    create_patient, create_test, delete_patient, delete_test, load_patient, load_test,
    search_patient, update_patient, update_test,
};
use crate::medical_test::{MedicalTest, MedicalTestDetails};
use crate::patient::{Patient, PatientDetails, PatientSearch};

const ID: &str = "0190a6b2-1111-7abc-8def-0123456789ab";
const PATIENT: &str = "/patient/{patientId}";
const TESTS: &str = "/patient/{patientId}/tests";
const TEST: &str = "/patient/{patientId}/tests/{testId}";

/// The document, with the paths of the gateway.
pub fn document() -> Document {
    let description = "Patients and the results of their medical tests.";
    let document = Document::new("Patient records", description, "http://localhost:8080")
        .key_in("Ocp-Apim-Subscription-Key");
    of_tests(of_patients(with_schemas(document)))
}

fn with_schemas(document: Document) -> Document {
    let patient = json!({
        "firstName": "Ada", "gender": "female", "dateOfBirth": "1985-12-10", "postCode": "2000"
    });
    let test = json!({"performer": "Lab", "orderReference": "A-1", "observations": []});
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
        .schema("NewPatient", PatientDetails::schema_new(), patient)
        .schema("PatientReplacement", PatientDetails::schema_replacement(), replaced_patient)
        .schema("Patient", Patient::schema(), returned_patient)
        .schema("PatientSearch", PatientSearch::schema(), json!({"firstName": "Ada"}))
        .schema("NewTest", MedicalTestDetails::schema_new(), test)
        .schema("TestReplacement", MedicalTestDetails::schema_replacement(), replaced_test)
        .schema("Test", MedicalTest::schema(), returned_test)
}

fn of_patients(document: Document) -> Document {
    let new = Operation::new;
    document
        .operation(
            new(create_patient::NAME, "post", "/patient", "Registers a patient.")
                .body("NewPatient")
                .creates("Patient", versioned())
                .problems(&[410]),
        )
        .operation(
            new(load_patient::NAME, "get", PATIENT, "Hands out a patient.")
                .returns("Patient")
                .unless_known(),
        )
        .operation(
            new(update_patient::NAME, "put", PATIENT, "Gives a patient other details.")
                .body("PatientReplacement")
                .returns("Patient")
                .if_match(),
        )
        .operation(
            new(delete_patient::NAME, "delete", PATIENT, "Deletes a patient and all tests.")
                .returns_nothing()
                .if_match(),
        )
        .operation(
            new(search_patient::NAME, "post", "/patient/search", "Finds patients.")
                .body("PatientSearch")
                .pages("Patient"),
        )
}

fn of_tests(document: Document) -> Document {
    let new = Operation::new;
    // The function's last segment is optional, which makes two operations of it.
    let list_name = format!("{}s", load_test::NAME);
    document
        .operation(
            new(create_test::NAME, "post", TESTS, "Adds a test to a patient.")
                .body("NewTest")
                .creates("Test", versioned())
                .problems(&[404, 410]),
        )
        .operation(
            new(&list_name, "get", TESTS, "Hands out a page of a patient's tests.")
                .pages("Test")
                .problems(&[404, 410]),
        )
        .operation(
            new(load_test::NAME, "get", TEST, "Hands out a test.").returns("Test").unless_known(),
        )
        .operation(
            new(update_test::NAME, "put", TEST, "Gives a test other details.")
                .body("TestReplacement")
                .returns("Test")
                .if_match(),
        )
        .operation(
            new(delete_test::NAME, "delete", TEST, "Deletes a test.")
                .returns_nothing()
                .if_match()
                .problems(&[410]),
        )
}
