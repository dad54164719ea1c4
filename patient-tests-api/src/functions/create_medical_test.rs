//! `POST patient/{patientId}/tests`

use shared::function::no_query;
use shared::http::{Request, Response};
use shared::openapi;
use shared::{Error, Id, Result};

use super::{Function, Handler, TESTS};
use crate::App;
use crate::audit::{Audited, Operation, Resource, TEST, Written};
use crate::medical_test::MedicalTestDetails;

/// The name. Changing it changes the ids that are derived from idempotency keys.
const NAME: &str = "CreateTest";

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: NAME,
    methods: &["post"],
    route: "patient/{patientId}/tests",
    scope: Some("test.write"),
    query: no_query,
    handle: Handler {
        attempt: Resource::of(TEST, Operation::Create),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &TESTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "post",
            "Adds a test to a patient.",
            "The patient must exist. With an Idempotency-Key the request can be repeated safely.",
        )
        .body("NewTest")
        .creates("Test", openapi::versioned())
        .problems(&[404, 410]),
    ]
}

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
            let inserted =
                app.medical_tests.insert(id, patient_id, details, intent, deadline).await?;
            Ok(Written::inserted(id, inserted, |test| {
                Response::created(request.location_of("tests", id), test).with_version(test.version)
            }))
        })
        .await
}
