//! `DELETE patient/{patientId}/tests/{testId}`

use shared::Result;
use shared::function::no_query;
use shared::http::{Request, Response};
use shared::openapi;
use tokio::join;

use super::{Function, TESTS, unless_patient_deleted};
use crate::App;
use crate::audit::{Audited, Operation, Resource, Written};

/// How the table knows it.
pub(crate) const FUNCTION: Function = Function {
    name: "DeleteTest",
    methods: &["delete"],
    route: "patient/{patientId}/tests/{testId}",
    query: no_query,
    handle: |app, request| Box::pin(handle(app, request)),
    group: &TESTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "delete",
            "Deletes a test.",
            "From then on the answer is 410. It can be repeated safely.",
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
    let reading = async {
        join!(
            app.patients.find(patient_id, request.deadline),
            app.medical_tests.find_stored(patient_id, id, request.deadline),
        )
    };
    app.audit
        .write_after(&request, resource, reading, async |intent, (patient, current)| {
            unless_patient_deleted(patient)?;
            app.medical_tests.delete(current?, &preconditions, intent, request.deadline).await?;
            Ok(Written::changed(Response::no_content()))
        })
        .await
}
