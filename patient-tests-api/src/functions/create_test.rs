//! `POST patient/{patientId}/tests`

use shared::http::{Request, Response};
use shared::mongo::Insertion;
use shared::{Error, Id, Result};
use tokio::join;

use crate::App;
use crate::audit::{Operation, Resource};
use crate::medical_test::{MedicalTest, MedicalTestDetails};

pub(crate) const NAME: &str = "CreateTest";

/// Adds a test to a patient, who must exist.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Response> {
    let patient_id = request
        .param("patientId")
        .and_then(Id::parse)
        .ok_or(Error::InvalidRequest("The patient's id in the path is not a GUID."))?;
    request.preconditions()?.check_unversioned()?;
    let id = request.id_to_create(NAME)?;
    let details = MedicalTestDetails::parse_new(request.json()?, patient_id)?;

    let resource = Resource::test(Operation::Create, patient_id, id);
    let (intent, patient) = join!(
        app.audit.announce(&request, resource),
        app.patients.find(patient_id, request.deadline),
    );
    let intent = intent?;
    let inserted = async {
        patient?;
        app.tests.insert(id, patient_id, details, intent.id(), request.deadline).await
    }
    .await;

    let created = |test: &MedicalTest| {
        Response::created(request.location_of("tests", id), test).with_version(test.version)
    };
    Ok(match intent.conclude(inserted).await? {
        Insertion::New(test) => created(&test),
        Insertion::Replayed(test) => {
            intent.release_replay(id).await?;
            created(&test).replayed()
        }
    })
}
