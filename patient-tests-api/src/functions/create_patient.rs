//! `POST patient`

use shared::Result;
use shared::function::no_query;
use shared::http::{Request, Response};
use shared::openapi;

use super::{Function, Handler, PATIENTS};
use crate::App;
use crate::audit::{Audited, Operation, PATIENT, Resource, Written};
use crate::patient::PatientDetails;

/// The name. Changing it changes the ids that are derived from idempotency keys.
const NAME: &str = "CreatePatient";

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: NAME,
    methods: &["post"],
    route: "patient",
    scope: Some("patient.write"),
    query: no_query,
    handle: Handler {
        attempt: Resource::of(PATIENT, Operation::Create),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &PATIENTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "post",
            "Creates a patient.",
            "The server assigns the id. With an Idempotency-Key the request can be repeated safely.",
        )
        .body("NewPatient")
        .creates("Patient", openapi::versioned())
        .problems(&[410]),
    ]
}

/// Creates a patient.
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
