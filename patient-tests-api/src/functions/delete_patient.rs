//! `DELETE patient/{patientId}`

use shared::Result;
use shared::http::{Request, Response};
use tokio::join;

use crate::App;
use crate::audit::{Operation, Resource};

pub(crate) const NAME: &str = "DeletePatient";

/// Deletes a patient, and with the patient all tests.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Response> {
    let id = request.id_param("patientId")?;
    let preconditions = request.preconditions()?;

    let (intent, current) = join!(
        app.audit.announce(&request, Resource::patient(Operation::Delete, id)),
        app.patients.find_stored(id, request.deadline),
    );
    let intent = intent?;
    let deleted = async {
        app.patients.delete(current?, &preconditions, intent.id(), request.deadline).await
    }
    .await;
    intent.conclude(deleted).await?;
    Ok(Response::no_content())
}
