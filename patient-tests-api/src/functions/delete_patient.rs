//! `DELETE patient/{patientId}`

use shared::Result;
use shared::function::no_query;
use shared::http::Request;
use shared::openapi;

use super::{Function, Handler, PATIENTS, deleted};
use crate::App;
use crate::audit::{Audited, Operation, PATIENT, Resource};

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "DeletePatient",
    methods: &["delete"],
    route: "patient/{patientId}",
    scope: Some("patient.delete"),
    query: no_query,
    handle: Handler {
        attempt: Resource::of(PATIENT, Operation::Delete),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &PATIENTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "delete",
            "Deletes a patient and the patient's tests.",
            "Later reads of the patient return 410. The request can be repeated safely.",
        )
        .returns_nothing()
        .changes(),
    ]
}

/// Deletes a patient and the patient's tests.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let id = request.id_param("patientId")?;
    let preconditions = request.preconditions()?;

    let resource = Resource::patient(Operation::Delete, id);
    let prepared = app.patients.prepare_deletion(id, preconditions, request.deadline);
    app.audit
        .write_after(&request, resource, prepared, async |intent, prepared| {
            app.patients.write(prepared?, intent, request.deadline).await.map(deleted)
        })
        .await
}
