//! `PUT patient/{patientId}/tests/{testId}`

use shared::Result;
use shared::function::no_query;
use shared::http::Request;
use shared::openapi;

use super::{Function, Handler, TESTS, beside_patient, changed};
use crate::App;
use crate::audit::{Audited, Operation, Resource, TEST};
use crate::medical_test::MedicalTestDetails;

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "UpdateTest",
    methods: &["put"],
    route: "patient/{patientId}/tests/{testId}",
    scope: Some("test.write"),
    query: no_query,
    handle: Handler {
        attempt: Resource::of(TEST, Operation::Update),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &TESTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "put",
            "Replaces a test.",
            "The body replaces all details: load the test, change it and send it back. \
             Its id must match the path.",
        )
        .body("TestReplacement")
        .returns("Test")
        .changes(),
    ]
}

/// Replaces a test.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let patient_id = request.id_param("patientId")?;
    let id = request.id_param("testId")?;
    let preconditions = request.preconditions()?;
    let details = MedicalTestDetails::parse_replacement(request.json()?, patient_id, id)?;

    let resource = Resource::test(Operation::Update, patient_id, id);
    let deadline = request.deadline;
    let prepared =
        app.medical_tests.prepare_replacement(patient_id, id, details, preconditions, deadline);
    let prepared = beside_patient(app, patient_id, deadline, prepared);
    app.audit
        .write_after(&request, resource, prepared, async |intent, prepared| {
            let test = app.medical_tests.write(prepared?, intent, deadline).await?;
            Ok(changed(id, test, |test| test.version))
        })
        .await
}
