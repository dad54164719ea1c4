//! `POST patient/{patientId}/tests/{testId}/restore`

use shared::Result;
use shared::function::no_query;
use shared::http::Request;
use shared::openapi;

use super::{Function, Handler, TESTS, beside_patient, changed};
use crate::App;
use crate::audit::{Audited, Operation, Resource, TEST};
use crate::versioned::Restoration;

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "RestoreTest",
    methods: &["post"],
    route: "patient/{patientId}/tests/{testId}/restore",
    scope: Some("history.restore"),
    query: no_query,
    handle: Handler {
        attempt: Resource::of(TEST, Operation::Restore),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &TESTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "post",
            "Restores a version of a test.",
            "Makes the content of that version the next version, also after a deletion. If it is \
             current already, nothing changes. A test of a deleted patient cannot be restored before the patient is.",
        )
        .body("Restoration")
        .returns("Test")
        .changes(),
    ]
}

/// Makes the content of an earlier version current.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let patient_id = request.id_param("patientId")?;
    let id = request.id_param("testId")?;
    let preconditions = request.preconditions()?;
    let version = Restoration::parse(request.json()?)?;

    let resource = Resource::test(Operation::Restore, patient_id, id).at(version);
    let deadline = request.deadline;
    let prepared =
        app.medical_tests.prepare_restore(patient_id, id, version, preconditions, deadline);
    let prepared = beside_patient(app, patient_id, deadline, prepared);
    app.audit
        .write_after(&request, resource, prepared, async |intent, prepared| {
            let test = app.medical_tests.write(prepared?, intent, deadline).await?;
            Ok(changed(id, test, |test| test.version))
        })
        .await
}
