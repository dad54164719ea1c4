//! `PUT patient/{patientId}`

use shared::Result;
use shared::http::{Request, Response};

use crate::App;
use crate::audit::{Audited, Operation, Resource, Written};
use crate::patient::PatientDetails;

pub(crate) const NAME: &str = "UpdatePatient";

/// Replaces a patient.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let id = request.id_param("patientId")?;
    let preconditions = request.preconditions()?;
    let details = PatientDetails::parse_replacement(request.json()?, id)?;

    let resource = Resource::patient(Operation::Update, id);
    let current = app.patients.find_stored(id, request.deadline);
    app.audit
        .write_after(&request, resource, current, async |intent, current| {
            let deadline = request.deadline;
            let replaced =
                app.patients.replace(current?, details, &preconditions, intent, deadline);
            let patient = replaced.await?;
            Ok(Written::changed(Response::ok(&patient).with_version(patient.version)))
        })
        .await
}
