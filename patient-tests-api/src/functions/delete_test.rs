//! `DELETE patient/{patientId}/tests/{testId}`

use shared::Result;
use shared::http::{Request, Response};
use tokio::join;

use super::unless_patient_deleted;
use crate::App;
use crate::audit::{Audited, Operation, Resource, Written};

pub(crate) const NAME: &str = "DeleteTest";

/// Deletes a test.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let patient_id = request.id_param("patientId")?;
    let id = request.id_param("testId")?;
    let preconditions = request.preconditions()?;

    let resource = Resource::test(Operation::Delete, patient_id, id);
    let reading = async {
        join!(
            app.patients.find(patient_id, request.deadline),
            app.tests.find_stored(patient_id, id, request.deadline),
        )
    };
    app.audit
        .write_after(&request, resource, reading, async |intent, (patient, current)| {
            unless_patient_deleted(patient)?;
            app.tests.delete(current?, &preconditions, intent, request.deadline).await?;
            Ok(Written::changed(Response::no_content()))
        })
        .await
}
