//! `DELETE patient/{patientId}`

use shared::Result;
use shared::http::{Request, Response};

use crate::App;
use crate::audit::{Audited, Operation, Resource, Written};

pub(crate) const NAME: &str = "DeletePatient";

/// Deletes a patient, and with the patient all tests.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let id = request.id_param("patientId")?;
    let preconditions = request.preconditions()?;

    let resource = Resource::patient(Operation::Delete, id);
    let current = app.patients.find_stored(id, request.deadline);
    app.audit
        .write_after(&request, resource, current, async |intent, current| {
            app.patients.delete(current?, &preconditions, intent, request.deadline).await?;
            Ok(Written::changed(Response::no_content()))
        })
        .await
}
