//! `POST patient/search`

use shared::Result;
use shared::http::Request;
use shared::page::PageRequest;

use crate::App;
use crate::audit::{Audited, Disclosure, Resource};
use crate::patient::PatientSearch;

pub(crate) const NAME: &str = "SearchPatient";

/// Returns one page of the patients who match.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let page = PageRequest::parse(&request)?;
    request.preconditions()?.check_unversioned()?;
    let criteria = PatientSearch::parse(request.json()?)?;

    let found = app.patients.search(&criteria, &page, request.deadline).await;
    let found = found.map(Disclosure::page);
    app.audit.release(&request, Resource::patients_like(criteria.to_query()), found).await
}
