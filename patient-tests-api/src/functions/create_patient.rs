//! `POST patient`

use shared::Result;
use shared::function::no_query;
use shared::http::{Request, Response};
use shared::openapi;

use super::{Function, PATIENTS};
use crate::App;
use crate::audit::{Audited, Operation, Resource, Written};
use crate::patient::PatientDetails;

/// Ids that are made of idempotency keys depend on it.
const NAME: &str = "CreatePatient";

/// How the table knows it.
pub(crate) const FUNCTION: Function = Function {
    name: NAME,
    methods: &["post"],
    route: "patient",
    query: no_query,
    handle: |app, request| Box::pin(handle(app, request)),
    group: &PATIENTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "post",
            "Registers a patient.",
            "The server gives the patient an id. With an Idempotency-Key it can be repeated safely.",
        )
        .body("NewPatient")
        .creates("Patient", openapi::versioned())
        .problems(&[410]),
    ]
}

/// Registers a patient.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    request.preconditions()?.check_unversioned()?;
    let id = request.id_to_create(NAME)?;
    let details = PatientDetails::parse_new(request.json()?)?;

    let resource = Resource::patient(Operation::Create, id);
    app.audit
        .write(&request, resource, async |intent| {
            let inserted = app.patients.insert(id, details, intent, request.deadline).await?;
            Ok(Written::inserted(id, inserted, |patient| {
                Response::created(request.location_of("patient", id), patient)
                    .with_version(patient.version)
            }))
        })
        .await
}
