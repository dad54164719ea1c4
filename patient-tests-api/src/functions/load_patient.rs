//! `GET` and `HEAD patient/{patientId}`

use shared::Result;
use shared::function::no_query;
use shared::http::Request;
use shared::openapi;

use super::{Function, Handler, PATIENTS, one_record};
use crate::App;
use crate::audit::{Audited, Operation, PATIENT, Resource};

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "LoadPatient",
    methods: &["get", "head"],
    route: "patient/{patientId}",
    scope: Some("patient.read"),
    query: no_query,
    handle: Handler {
        attempt: Resource::of(PATIENT, Operation::Read),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &PATIENTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new("get", "Returns a patient.", "The ETag is the patient's version.")
            .returns("Patient")
            .unless_known(),
    ]
}

/// Returns a patient.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let id = request.id_param("patientId")?;
    let preconditions = request.preconditions()?;

    let found = app
        .patients
        .find(id, request.deadline)
        .await
        .and_then(|patient| one_record(&patient, id, patient.version, &preconditions));
    app.audit.release(&request, Resource::patient(Operation::Read, id), found).await
}
