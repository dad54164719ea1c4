//! `PUT patient/{patientId}`

use shared::Result;
use shared::function::no_query;
use shared::http::{Request, Response};
use shared::openapi;

use super::{Function, PATIENTS};
use crate::App;
use crate::audit::{Audited, Operation, Resource, Written};
use crate::patient::PatientDetails;

/// How the table knows it.
pub(crate) const FUNCTION: Function = Function {
    name: "UpdatePatient",
    methods: &["put"],
    route: "patient/{patientId}",
    query: no_query,
    handle: |app, request| Box::pin(handle(app, request)),
    group: &PATIENTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "put",
            "Replaces a patient.",
            "The body replaces all details: send what was loaded, changed. Its id is that of the path.",
        )
        .body("PatientReplacement")
        .returns("Patient")
        .changes(),
    ]
}

/// Replaces a patient.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let id = request.id_param("patientId")?;
    let preconditions = request.preconditions()?;
    let details = PatientDetails::parse_replacement(request.json()?, id)?;

    let resource = Resource::patient(Operation::Update, id);
    let current = app.patients.find_stored(id, request.deadline);
    app.audit
        .write_after(&request, resource, current, async |intent, current| {
            let deadline = request.deadline;
            let replaced =
                app.patients.replace(current?, details, &preconditions, intent, deadline);
            let patient = replaced.await?;
            Ok(Written::changed(Response::ok(&patient).with_version(patient.version)))
        })
        .await
}
