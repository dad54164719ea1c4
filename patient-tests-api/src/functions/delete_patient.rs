//! `DELETE patient/{patientId}`

use shared::Result;
use shared::function::no_query;
use shared::http::{Request, Response};
use shared::openapi;

use super::{Function, PATIENTS};
use crate::App;
use crate::audit::{Audited, Operation, Resource, Written};

/// How the table knows it.
pub(crate) const FUNCTION: Function = Function {
    name: "DeletePatient",
    methods: &["delete"],
    route: "patient/{patientId}",
    query: no_query,
    handle: |app, request| Box::pin(handle(app, request)),
    group: &PATIENTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "delete",
            "Deletes a patient and all tests.",
            "From then on the answer is 410. It can be repeated safely.",
        )
        .returns_nothing()
        .changes(),
    ]
}

/// Deletes a patient, and with the patient all tests.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let id = request.id_param("patientId")?;
    let preconditions = request.preconditions()?;

    let resource = Resource::patient(Operation::Delete, id);
    let current = app.patients.find_stored(id, request.deadline);
    app.audit
        .write_after(&request, resource, current, async |intent, current| {
            app.patients.delete(current?, &preconditions, intent, request.deadline).await?;
            Ok(Written::changed(Response::no_content()))
        })
        .await
}
