//! `POST patient`

use shared::Result;
use shared::http::{Request, Response};

use crate::App;
use crate::audit::{Audited, Operation, Resource, Written};
use crate::patient::PatientDetails;

pub(crate) const NAME: &str = "CreatePatient";

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
