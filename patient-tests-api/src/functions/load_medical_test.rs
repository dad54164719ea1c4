//! `GET` and `HEAD patient/{patientId}/tests/{testId?}`

use shared::http::Request;
use shared::openapi;
use shared::page::PageRequest;
use shared::{Error, Id, Result};
use tokio::join;

use super::{
    Function, Handler, TESTS, beside_patient, one_record, pages_without, unless_patient_deleted,
};
use crate::App;
use crate::audit::{Audited, Disclosure, Operation, Resource, TEST};

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "LoadTest",
    methods: &["get", "head"],
    route: "patient/{patientId}/tests/{testId?}",
    scope: Some("test.read"),
    query: |request| pages_without("testId", request),
    handle: Handler {
        attempt: Resource::of(TEST, Operation::Read),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &TESTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "get",
            "Lists a patient's tests.",
            "Sorted by id. A page can have fewer items than limit; Link has the next page.",
        )
        .of_the_list()
        .pages("Test")
        .problems(&[404, 410]),
        openapi::Operation::new("get", "Returns a test.", "The ETag is the test's version.")
            .returns("Test")
            .unless_known(),
    ]
}

/// Returns one test of a patient, or a page of them.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    match request.param("testId") {
        Some(_) => one(app, request).await,
        None => list(app, request).await,
    }
}

async fn one(app: &App, request: Request) -> Result<Audited> {
    let patient_id = request.id_param("patientId")?;
    let id = request.id_param("testId")?;
    let preconditions = request.preconditions()?;

    let test = app.medical_tests.find(patient_id, id, request.deadline);
    let found = beside_patient(app, patient_id, request.deadline, test)
        .await
        .and_then(|test| one_record(&test, id, test.version, &preconditions));
    app.audit.release(&request, Resource::test(Operation::Read, patient_id, id), found).await
}

async fn list(app: &App, request: Request) -> Result<Audited> {
    let patient_id = request.id_param("patientId")?;
    let page = PageRequest::parse(&request, Id::parse)?;
    request.preconditions()?.check_unversioned()?;

    let (patient, tests) = join!(
        app.patients.find(patient_id, request.deadline),
        app.medical_tests.find_page(patient_id, &page, request.deadline),
    );
    let found = match (patient, tests) {
        // The scaffold stored tests of patients that do not exist; those are listed.
        (Err(Error::NotFound), Ok(tests)) if tests.keys().is_empty() => Err(Error::NotFound),
        (patient, tests) => unless_patient_deleted(patient).and(tests),
    };
    let found = found.map(Disclosure::page);
    app.audit.release(&request, Resource::tests_of(patient_id), found).await
}
