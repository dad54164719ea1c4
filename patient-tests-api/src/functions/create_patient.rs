//! `POST patient`

use shared::Result;
use shared::http::{Request, Response};
use shared::mongo::Insertion;

use crate::App;
use crate::audit::{Operation, Resource};
use crate::patient::{Patient, PatientDetails};

pub(crate) const NAME: &str = "CreatePatient";

/// Registers a patient.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Response> {
    request.preconditions()?.check_unversioned()?;
    let id = request.id_to_create(NAME)?;
    let details = PatientDetails::parse_new(request.json()?)?;

    let intent = app.audit.announce(&request, Resource::patient(Operation::Create, id)).await?;
    let inserted = app.patients.insert(id, details, intent.id(), request.deadline).await;

    let created = |patient: &Patient| {
        Response::created(request.location_of("patient", id), patient).with_version(patient.version)
    };
    Ok(match intent.conclude(inserted).await? {
        Insertion::New(patient) => created(&patient),
        Insertion::Replayed(patient) => {
            intent.release_replay(id).await?;
            created(&patient).replayed()
        }
    })
}
