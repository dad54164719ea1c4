//! `DELETE patient/{patientId}/tests/{testId}`

use shared::Result;
use shared::function::no_query;
use shared::http::Request;
use shared::openapi;

use super::{Function, Handler, TESTS, beside_patient, deleted};
use crate::App;
use crate::audit::{Audited, Operation, Resource, TEST};

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "DeleteTest",
    methods: &["delete"],
    route: "patient/{patientId}/tests/{testId}",
    scope: Some("test.delete"),
    query: no_query,
    handle: Handler {
        attempt: Resource::of(TEST, Operation::Delete),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &TESTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "delete",
            "Deletes a test.",
            "Later reads of the test return 410. The request can be repeated safely.",
        )
        .returns_nothing()
        .changes()
        .problems(&[410]),
    ]
}

/// Deletes a test.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let patient_id = request.id_param("patientId")?;
    let id = request.id_param("testId")?;
    let preconditions = request.preconditions()?;

    let resource = Resource::test(Operation::Delete, patient_id, id);
    let deadline = request.deadline;
    let prepared = app.medical_tests.prepare_deletion(patient_id, id, preconditions, deadline);
    let prepared = beside_patient(app, patient_id, deadline, prepared);
    app.audit
        .write_after(&request, resource, prepared, async |intent, prepared| {
            app.medical_tests.write(prepared?, intent, deadline).await.map(deleted)
        })
        .await
}
