//! `POST patient/search`

use shared::Result;
use shared::http::Request;
use shared::openapi;
use shared::page::{self, PageRequest};

use super::{Function, PATIENTS};
use crate::App;
use crate::audit::{Audited, Disclosure, Resource};
use crate::patient::PatientSearch;

/// How the table knows it.
pub(crate) const FUNCTION: Function = Function {
    name: "SearchPatient",
    methods: &["post"],
    route: "patient/search",
    query: |_| page::PARAMETERS,
    handle: |app, request| Box::pin(handle(app, request)),
    group: &PATIENTS,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "post",
            "Finds patients.",
            "All criteria must hold; without any, everybody is found. If nobody matches, the list is \
             empty. The next page is for the same body.",
        )
        .body("PatientSearch")
        .pages("Patient"),
    ]
}

/// Returns one page of the patients who match.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let page = PageRequest::parse(&request)?;
    request.preconditions()?.check_unversioned()?;
    let criteria = PatientSearch::parse(request.json()?)?;

    let found = app.patients.search(&criteria, &page, request.deadline).await;
    let found = found.map(Disclosure::page);
    app.audit.release(&request, Resource::patients_like(criteria.to_query()), found).await
}
