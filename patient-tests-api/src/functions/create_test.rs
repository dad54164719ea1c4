//! `POST patient/{patientId}/tests`

use shared::http::{Request, Response};
use shared::{Error, Id, Result};

use crate::App;
use crate::audit::{Audited, Operation, Resource, Written};
use crate::medical_test::MedicalTestDetails;

pub(crate) const NAME: &str = "CreateTest";

/// Adds a test to a patient, who must exist.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let patient_id = request
        .param("patientId")
        .and_then(Id::parse)
        .ok_or(Error::InvalidRequest("The patient's id in the path is not a GUID."))?;
    request.preconditions()?.check_unversioned()?;
    let id = request.id_to_create(NAME)?;
    let details = MedicalTestDetails::parse_new(request.json()?, patient_id)?;

    let resource = Resource::test(Operation::Create, patient_id, id);
    let patient = app.patients.find(patient_id, request.deadline);
    app.audit
        .write_after(&request, resource, patient, async |intent, patient| {
            patient?;
            let deadline = request.deadline;
            let inserted = app.tests.insert(id, patient_id, details, intent, deadline).await?;
            Ok(Written::inserted(id, inserted, |test| {
                Response::created(request.location_of("tests", id), test).with_version(test.version)
            }))
        })
        .await
}
