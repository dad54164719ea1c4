//! `GET patient/{patientId}/access-log`

use shared::Result;
use shared::http::Request;
use shared::openapi;

use super::{Function, Handler, REGISTER};
use crate::App;
use crate::access_log::{self, AccessLogRequest, Cursor};
use crate::audit::{ACCESS_LOG, Audited, Operation, Resource};

/// The function's entry in the table.
pub(crate) const FUNCTION: Function = Function {
    name: "LoadAccessLog",
    methods: &["get"],
    route: "patient/{patientId}/access-log",
    scope: Some("audit.access-log"),
    query: |_| access_log::PARAMETERS,
    handle: Handler {
        attempt: Resource::of(ACCESS_LOG, Operation::Read),
        run: |app, request| Box::pin(handle(app, request)),
    },
    group: &REGISTER,
    operations,
};

fn operations() -> Vec<openapi::Operation> {
    vec![
        openapi::Operation::new(
            "get",
            "Lists who saw or changed a patient.",
            "For the patient, newest first: every read, search and change that disclosed or changed \
             the patient or the patient's tests. person is there for callers with the scope \
             audit.persons. An unknown patient has an empty list: the register knows no patients. \
             A page can have fewer items than limit, even none; Link has the next page. With Accept: \
             application/fhir+json, a page is a FHIR R4 Bundle of AuditEvents.",
        )
        .pages_by(&Cursor::schema(), "Access")
        .also_returns(access_log::FHIR, "AccessBundle")
        .flag("attempts", "true to list attempts too that disclosed and changed nothing."),
    ]
}

/// Returns one page of a patient's access log.
pub(crate) async fn handle(app: &App, request: Request) -> Result<Audited> {
    let id = request.id_param("patientId")?;
    let page = AccessLogRequest::parse(id, &request)?;
    request.preconditions()?.check_unversioned()?;

    let found = access_log::load(&app.audit, id, page, &request).await;
    app.audit.release(&request, Resource::access_log(id), found).await
}
