//! `PUT patient/{patientId}`

use shared::Result;
use shared::function::no_query;
use shared::http::Request;
use shared::openapi;

use super::{Function, Handler, PATIENTS, changed};
use crate::App;
use crate::audit::{Audited, Operation, PATIENT, Resource};
use crate::patient::PatientDetails;

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "UpdatePatient",
    methods: &["put"],
    route: "patient/{patientId}",
    scope: Some("patient.write"),
    query: no_query,
    handle: Handler {
        attempt: Resource::of(PATIENT, Operation::Update),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &PATIENTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "put",
            "Replaces a patient.",
            "The body replaces all details: load the patient, change it and send it back. \
             Its id must match the path.",
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
    let prepared = app.patients.prepare_replacement(id, details, preconditions, request.deadline);
    app.audit
        .write_after(&request, resource, prepared, async |intent, prepared| {
            let patient = app.patients.write(prepared?, intent, request.deadline).await?;
            Ok(changed(id, patient, |patient| patient.version))
        })
        .await
}
