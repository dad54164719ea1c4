//! `GET patient/{patientId}/history/{version?}`

use shared::http::Request;
use shared::openapi;
use shared::page::PageRequest;
use shared::validation::{Rule, version};
use shared::{Result, Version};

use super::{Function, Handler, PATIENTS, one_record, pages_without, version_param};
use crate::App;
use crate::audit::{Audited, Disclosure, Operation, PATIENT, Resource};

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "LoadPatientHistory",
    methods: &["get"],
    route: "patient/{patientId}/history/{version?}",
    scope: Some("history.read"),
    query: |request| pages_without("version", request),
    handle: Handler {
        attempt: Resource::of(PATIENT, Operation::Read),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &PATIENTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "get",
            "Lists the versions of a patient.",
            "Newest first, also of a deleted patient. auditRecordId names the audit record of the \
             change. Versions that earlier releases replaced are missing.",
        )
        .of_the_list()
        .called("LoadPatientHistory")
        .pages_by(&version().schema(), "Version")
        .problems(&[404]),
        openapi::Operation::new(
            "get",
            "Returns a version of a patient.",
            "Also of a deleted patient; the deletion itself is 410.",
        )
        .called("LoadPatientVersion")
        .returns("Patient")
        .unless_known(),
    ]
}

/// Returns one version of a patient, or a page of its versions.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    match request.param("version").map(version_param) {
        Some(version) => one(app, &request, version?).await,
        None => list(app, &request).await,
    }
}

async fn one(app: &App, request: &Request, version: Version) -> Result<Audited> {
    let id = request.id_param("patientId")?;
    let preconditions = request.preconditions()?;

    let found = app
        .patients
        .find_version(id, version, request.deadline)
        .await
        .and_then(|patient| one_record(&patient, id, version, &preconditions));
    let resource = Resource::patient(Operation::Read, id).at(version);
    app.audit.release(request, resource, found).await
}

async fn list(app: &App, request: &Request) -> Result<Audited> {
    let id = request.id_param("patientId")?;
    let page = PageRequest::parse(request, Version::parse)?;
    request.preconditions()?.check_unversioned()?;

    let found = app.patients.find_versions(id, &page, request.deadline).await;
    let found = found.map(|versions| Disclosure::page_about(id, versions));
    app.audit.release(request, Resource::patient(Operation::Read, id), found).await
}
