//! `PUT patient/{patientId}/tests/{testId}`

use shared::Result;
use shared::http::{Request, Response};
use tokio::join;

use super::unless_patient_deleted;
use crate::App;
use crate::audit::{Audited, Operation, Resource, Written};
use crate::medical_test::MedicalTestDetails;

pub(crate) const NAME: &str = "UpdateTest";

/// Replaces a test.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let patient_id = request.id_param("patientId")?;
    let id = request.id_param("testId")?;
    let preconditions = request.preconditions()?;
    let details = MedicalTestDetails::parse_replacement(request.json()?, patient_id, id)?;

    let resource = Resource::test(Operation::Update, patient_id, id);
    let reading = async {
        join!(
            app.patients.find(patient_id, request.deadline),
            app.tests.find_stored(patient_id, id, request.deadline),
        )
    };
    app.audit
        .write_after(&request, resource, reading, async |intent, (patient, current)| {
            unless_patient_deleted(patient)?;
            let deadline = request.deadline;
            let replaced = app.tests.replace(current?, details, &preconditions, intent, deadline);
            let test = replaced.await?;
            Ok(Written::changed(Response::ok(&test).with_version(test.version)))
        })
        .await
}
