//! `PUT patient/{patientId}/tests/{testId}`

use shared::Result;
use shared::function::no_query;
use shared::http::{Request, Response};
use shared::openapi;
use tokio::join;

use super::{Function, TESTS, unless_patient_deleted};
use crate::App;
use crate::audit::{Audited, Operation, Resource, Written};
use crate::medical_test::MedicalTestDetails;

/// How the table knows it.
pub(crate) const FUNCTION: Function = Function {
    name: "UpdateTest",
    methods: &["put"],
    route: "patient/{patientId}/tests/{testId}",
    query: no_query,
    handle: |app, request| Box::pin(handle(app, request)),
    group: &TESTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "put",
            "Replaces a test.",
            "The body replaces all details: send what was loaded, changed. Its id is that of the path.",
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
    let reading = async {
        join!(
            app.patients.find(patient_id, request.deadline),
            app.medical_tests.find_stored(patient_id, id, request.deadline),
        )
    };
    app.audit
        .write_after(&request, resource, reading, async |intent, (patient, current)| {
            unless_patient_deleted(patient)?;
            let deadline = request.deadline;
            let replaced =
                app.medical_tests.replace(current?, details, &preconditions, intent, deadline);
            let test = replaced.await?;
            Ok(Written::changed(Response::ok(&test).with_version(test.version)))
        })
        .await
}
