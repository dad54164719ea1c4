//! `GET patient/{patientId}`

use shared::Result;
use shared::http::{Request, Response};

use crate::App;
use crate::audit::{Disclosure, Operation, Resource};

pub(crate) const NAME: &str = "LoadPatient";

/// Hands out a patient.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Response> {
    let id = request.id_param("patientId")?;
    let preconditions = request.preconditions()?;

    let found = app.patients.find(id, request.deadline).await.map(|patient| {
        if preconditions.is_not_modified(patient.version) {
            Disclosure::nothing(Response::not_modified(patient.version))
        } else {
            Disclosure::of([id], Response::ok(&patient).with_version(patient.version))
        }
    });
    app.audit.release(&request, Resource::patient(Operation::Read, id), found).await
}
