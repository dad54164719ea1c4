//! The access log of a patient: the audit register, for people.
//!
//! One interaction is one line. A change has an announcement and, if it did not simply happen, a
//! record of its end, which is newer. The log goes from the newest record to the oldest, so the end
//! comes first and makes the line; the announcement that it relates to makes none then. Which ends
//! still wait for their announcement is part of the cursor.

mod access;
mod cursor;
mod fhir;

use shared::http::{Request, Response};
use shared::page;
use shared::{Error, Result};

use crate::audit::{AuditRecordSearch, AuditRegister, CursorMark, Disclosure, FoundPage};
use crate::ids::PatientId;

pub(crate) use access::Access;
use access::{LoggedRecord, Reader};
pub(crate) use cursor::Cursor;
pub(crate) use fhir::{FHIR, schema as schema_of_bundle};

/// The query parameters of the access log.
pub(crate) const PARAMETERS: &[&str] = &["limit", "cursor", ATTEMPTS];

const ATTEMPTS: &str = "attempts";

/// The scope with which persons are named.
const PERSONS: &str = "audit.persons";

/// The most pages of the register that are read for one page of the log.
const FETCHES_MAX: usize = 10;

/// The most records on a page of the register.
const RECORDS_MAX: usize = 1_000;

/// The page that a request asks for.
pub(crate) struct AccessLogRequest {
    /// The search for the patient's records.
    search: AuditRecordSearch,
    mark: CursorMark,
    limit: usize,
    cursor: Cursor,
    /// Whether attempts are listed that disclosed and changed nothing.
    attempts: bool,
}

impl AccessLogRequest {
    /// Reads the query of a request for a patient's log.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`].
    pub(crate) fn parse(patient_id: PatientId, request: &Request) -> Result<Self> {
        let attempts = match request.query(ATTEMPTS) {
            None => false,
            Some("true") => true,
            Some(_) => {
                return Err(Error::InvalidRequest("The query parameter attempts must be true."));
            }
        };
        let search = AuditRecordSearch::about(patient_id);
        let mark = search.cursor_mark();
        let cursor = page::cursor(request, |text| Cursor::parse(mark.unmarked(text)?))?;
        let cursor = cursor.unwrap_or_default();
        Ok(Self { search, mark, limit: page::limit(request)?, cursor, attempts })
    }

    /// The query that asks for the page that begins at `cursor`.
    fn query(&self, cursor: &Cursor) -> String {
        let attempts = if self.attempts { "&attempts=true" } else { "" };
        let cursor = cursor.after.is_some().then(|| self.mark.mark(cursor));
        page::query(cursor.as_ref(), self.limit) + attempts
    }
}

/// One page of a patient's access log, as JSON or, if the client prefers that, as FHIR.
///
/// # Errors
/// [`Error::Unavailable`] unless the register returns its records in time.
pub(crate) async fn load(
    register: &AuditRegister,
    patient_id: PatientId,
    page: AccessLogRequest,
    request: &Request,
) -> Result<Disclosure> {
    let reader = Reader {
        patient_id: patient_id.to_string(),
        names_persons: request.has_scope(PERSONS),
        attempts: page.attempts,
    };
    let mut cursor = page.cursor.clone();
    let (mut lines, mut ids) = (Vec::<Access>::new(), Vec::new());
    let mut next_page = None;
    let portion = (2 * page.limit).min(RECORDS_MAX);
    'page: for fetches in 1.. {
        let query = page::query(cursor.after.as_ref(), portion);
        let FoundPage::<LoggedRecord> { records, next } =
            register.search(&page.search, &query, request).await?;
        for record in records {
            // The next page begins before the first line that does not fit.
            let full = (lines.len() == page.limit).then(|| cursor.clone());
            let Some(line) = reader.read(&record, &mut cursor) else { continue };
            if let Some(before) = full {
                next_page = Some(page.query(&before));
                break 'page;
            }
            lines.push(line);
            ids.push(record.id);
        }
        if next.is_none() {
            break;
        }
        if fetches == FETCHES_MAX {
            next_page = Some(page.query(&cursor));
            break;
        }
    }
    let response = if request.prefers(FHIR) {
        let events = ids.iter().zip(&lines).map(|(id, line)| fhir::entry(patient_id, *id, line));
        let this_page = page.query(&page.cursor);
        let bundle = fhir::bundle(events.collect(), &this_page, next_page.as_deref());
        Response::ok_of_type(FHIR, &bundle)
    } else {
        Response::ok(&lines)
    };
    let ids = ids.iter().map(ToString::to_string).collect();
    Ok(Disclosure::of(ids, response.with_next_page(next_page)))
}
