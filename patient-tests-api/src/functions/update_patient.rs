//! `PUT patient/{patientId}`

use shared::Result;
use shared::http::{Request, Response};
use tokio::join;

use crate::App;
use crate::audit::{Operation, Resource};
use crate::patient::PatientDetails;

pub(crate) const NAME: &str = "UpdatePatient";

/// Gives a patient other details.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Response> {
    let id = request.id_param("patientId")?;
    let preconditions = request.preconditions()?;
    let details = PatientDetails::parse_replacement(request.json()?, id)?;

    let (intent, current) = join!(
        app.audit.announce(&request, Resource::patient(Operation::Update, id)),
        app.patients.find_stored(id, request.deadline),
    );
    let intent = intent?;
    let replaced = async {
        let current = current?;
        app.patients.replace(current, details, &preconditions, intent.id(), request.deadline).await
    }
    .await;
    let patient = intent.conclude(replaced).await?;
    Ok(Response::ok(&patient).with_version(patient.version))
}
