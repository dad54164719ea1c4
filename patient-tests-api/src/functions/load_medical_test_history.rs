//! `GET patient/{patientId}/tests/{testId}/history/{version?}`

use shared::http::Request;
use shared::openapi;
use shared::page::PageRequest;
use shared::validation::{Rule, version};
use shared::{Result, Version};

use super::{Function, Handler, TESTS, one_record, pages_without, version_param};
use crate::App;
use crate::audit::{Audited, Disclosure, Operation, Resource, TEST};

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "LoadTestHistory",
    methods: &["get"],
    route: "patient/{patientId}/tests/{testId}/history/{version?}",
    scope: Some("history.read"),
    query: |request| pages_without("version", request),
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
            "Lists the versions of a test.",
            "Newest first, also of a deleted test. auditRecordId names the audit record of the \
             change. Versions that earlier releases replaced are missing.",
        )
        .of_the_list()
        .called("LoadTestHistory")
        .pages_by(&version().schema(), "Version")
        .problems(&[404]),
        openapi::Operation::new(
            "get",
            "Returns a version of a test.",
            "Also of a deleted test; the deletion itself is 410.",
        )
        .called("LoadTestVersion")
        .returns("Test")
        .unless_known(),
    ]
}

/// Returns one version of a test, or a page of its versions.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    match request.param("version").map(version_param) {
        Some(version) => one(app, &request, version?).await,
        None => list(app, &request).await,
    }
}

async fn one(app: &App, request: &Request, version: Version) -> Result<Audited> {
    let patient_id = request.id_param("patientId")?;
    let id = request.id_param("testId")?;
    let preconditions = request.preconditions()?;

    let found = app
        .medical_tests
        .find_version(patient_id, id, version, request.deadline)
        .await
        .and_then(|test| one_record(&test, id, version, &preconditions));
    let resource = Resource::test(Operation::Read, patient_id, id).at(version);
    app.audit.release(request, resource, found).await
}

async fn list(app: &App, request: &Request) -> Result<Audited> {
    let patient_id = request.id_param("patientId")?;
    let id = request.id_param("testId")?;
    let page = PageRequest::parse(request, Version::parse)?;
    request.preconditions()?.check_unversioned()?;

    let found = app.medical_tests.find_versions(patient_id, id, &page, request.deadline).await;
    let found = found.map(|versions| Disclosure::page_about(id, versions));
    app.audit.release(request, Resource::test(Operation::Read, patient_id, id), found).await
}
