//! `POST patient/{patientId}/restore`

use shared::Result;
use shared::function::no_query;
use shared::http::Request;
use shared::openapi;

use super::{Function, Handler, PATIENTS, changed};
use crate::App;
use crate::audit::{Audited, Operation, PATIENT, Resource};
use crate::versioned::Restoration;

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "RestorePatient",
    methods: &["post"],
    route: "patient/{patientId}/restore",
    scope: Some("history.restore"),
    query: no_query,
    handle: Handler {
        attempt: Resource::of(PATIENT, Operation::Restore),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &PATIENTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "post",
            "Restores a version of a patient.",
            "Makes the content of that version the next version, also after a deletion. If it is \
             current already, nothing changes.",
        )
        .body("Restoration")
        .returns("Patient")
        .changes(),
    ]
}

/// Makes the content of an earlier version current.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let id = request.id_param("patientId")?;
    let preconditions = request.preconditions()?;
    let version = Restoration::parse(request.json()?)?;

    let resource = Resource::patient(Operation::Restore, id).at(version);
    let prepared = app.patients.prepare_restore(id, version, preconditions, request.deadline);
    app.audit
        .write_after(&request, resource, prepared, async |intent, prepared| {
            let patient = app.patients.write(prepared?, intent, request.deadline).await?;
            Ok(changed(id, patient, |patient| patient.version))
        })
        .await
}
