//! `DELETE patient/{patientId}/tests/{testId}`

use shared::Result;
use shared::http::{Request, Response};
use tokio::join;

use super::unless_patient_deleted;
use crate::App;
use crate::audit::{Operation, Resource};

pub(crate) const NAME: &str = "DeleteTest";

/// Deletes a test.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Response> {
    let patient_id = request.id_param("patientId")?;
    let id = request.id_param("testId")?;
    let preconditions = request.preconditions()?;

    let (intent, patient, current) = join!(
        app.audit.announce(&request, Resource::test(Operation::Delete, patient_id, id)),
        app.patients.find(patient_id, request.deadline),
        app.tests.find_stored(patient_id, id, request.deadline),
    );
    let intent = intent?;
    let deleted = async {
        unless_patient_deleted(patient)?;
        app.tests.delete(current?, &preconditions, intent.id(), request.deadline).await
    }
    .await;
    intent.conclude(deleted).await?;
    Ok(Response::no_content())
}
