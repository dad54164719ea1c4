//! `POST patient/search`

use shared::http::Request;
use shared::openapi;
use shared::page::{self, PageRequest};
use shared::{Id, Result};

use super::{Function, Handler, PATIENTS};
use crate::App;
use crate::audit::{Audited, Disclosure, Operation, PATIENT, Resource};
use crate::patient::PatientSearch;

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "SearchPatient",
    methods: &["post"],
    route: "patient/search",
    scope: Some("patient.search"),
    query: |_| page::PARAMETERS,
    handle: Handler {
        attempt: Resource::of(PATIENT, Operation::Search),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &PATIENTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "post",
            "Finds patients.",
            "Patients must match all criteria; without criteria, all patients match. If none match, the \
             list is empty. Send the same body for the next page.",
        )
        .body("PatientSearch")
        .pages("Patient"),
    ]
}

/// Returns one page of the patients that match.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let page = PageRequest::parse(&request, Id::parse)?;
    request.preconditions()?.check_unversioned()?;
    let criteria = PatientSearch::parse(request.json()?)?;

    let found = app.patients.search(&criteria, &page, request.deadline).await;
    let found = found.map(Disclosure::page);
    app.audit.release(&request, Resource::patients_like(criteria.to_query()), found).await
}
