//! `PUT patient/{patientId}/tests/{testId}`

use shared::Result;
use shared::http::{Request, Response};
use tokio::join;

use super::unless_patient_deleted;
use crate::App;
use crate::audit::{Operation, Resource};
use crate::medical_test::MedicalTestDetails;

pub(crate) const NAME: &str = "UpdateTest";

/// Gives a test other details.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Response> {
    let patient_id = request.id_param("patientId")?;
    let id = request.id_param("testId")?;
    let preconditions = request.preconditions()?;
    let details = MedicalTestDetails::parse_replacement(request.json()?, patient_id, id)?;

    let (intent, patient, current) = join!(
        app.audit.announce(&request, Resource::test(Operation::Update, patient_id, id)),
        app.patients.find(patient_id, request.deadline),
        app.tests.find_stored(patient_id, id, request.deadline),
    );
    let intent = intent?;
    let replaced = async {
        unless_patient_deleted(patient)?;
        app.tests.replace(current?, details, &preconditions, intent.id(), request.deadline).await
    }
    .await;
    let test = intent.conclude(replaced).await?;
    Ok(Response::ok(&test).with_version(test.version))
}
