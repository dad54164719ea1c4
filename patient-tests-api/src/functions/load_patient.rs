//! `GET` and `HEAD patient/{patientId}`

use shared::Result;
use shared::http::Request;

use super::one_record;
use crate::App;
use crate::audit::{Audited, Operation, Resource};

pub(crate) const NAME: &str = "LoadPatient";

/// Returns a patient.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let id = request.id_param("patientId")?;
    let preconditions = request.preconditions()?;

    let found = app
        .patients
        .find(id, request.deadline)
        .await
        .and_then(|patient| one_record(&patient, id, patient.version, &preconditions));
    app.audit.release(&request, Resource::patient(Operation::Read, id), found).await
}
