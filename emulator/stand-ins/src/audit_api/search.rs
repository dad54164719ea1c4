//! `SearchAuditRecords`.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The most records on a page, few enough for tests to have several pages.
const PAGE_RECORDS_MAX: usize = 100;

/// The criteria that few records match.
const SELECTIVE: [&str; 6] =
    ["patientId", "resourceId", "userId", "subscriptionId", "traceId", "relatesTo"];

/// One page of the records that match, newest first.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) records: Vec<Value>,
    /// The cursor of the next page.
    pub(super) next: Option<String>,
}

/// Searches the register; `None` if a criterion is unknown or unbounded.
pub(super) fn search(
    register: &[Value],
    criteria: &Value,
    cursor: Option<&str>,
    limit: usize,
) -> Option<Page> {
    let criteria = criteria.as_object()?;
    let has = |name: &&str| criteria.contains_key(*name);
    if !SELECTIVE.iter().any(has) && !["from", "to"].iter().all(has) {
        return None;
    }
    let mut found: Vec<_> = register.iter().collect();
    for (name, expected) in criteria {
        match name.as_str() {
            "outcome" | "relatesTo" | "purpose" | "traceId" => {
                found.retain(|record| record.get(name) == Some(expected));
            }
            "userId" | "subscriptionId" | "organisation" => {
                found.retain(|record| record["actor"].get(name) == Some(expected));
            }
            "resourceType" => found.retain(|record| record["resource"]["type"] == *expected),
            "resourceId" => found.retain(|record| record["resource"]["id"] == *expected),
            "operation" => found.retain(|record| record["resource"]["operation"] == *expected),
            "patientId" => found.retain(|record| is_about(&record["resource"], expected)),
            // Times of one form sort as texts.
            "from" => found.retain(|record| record["createdDate"].as_str() >= expected.as_str()),
            "to" => found.retain(|record| record["createdDate"].as_str() < expected.as_str()),
            _ => return None,
        }
    }
    found.sort_by_key(|record| std::cmp::Reverse(position(record)));
    if let Some(cursor) = cursor {
        let (unix_ms, id) = cursor.split_once('.')?;
        let after = (unix_ms.parse().ok()?, id.to_owned());
        found.retain(|record| position(record) < after);
    }
    let limit = limit.min(PAGE_RECORDS_MAX);
    let next = (found.len() > limit).then(|| {
        let (unix_ms, id) = position(found[limit - 1]);
        format!("{unix_ms}.{id}")
    });
    found.truncate(limit);
    Some(Page { records: found.into_iter().cloned().collect(), next })
}

/// Whether a resource is a patient or of a patient, or the patient was disclosed.
fn is_about(resource: &Value, patient_id: &Value) -> bool {
    resource["patientId"] == *patient_id
        || (resource["type"] == "patient" && resource["id"] == *patient_id)
        || resource["disclosed"].as_array().is_some_and(|ids| ids.contains(patient_id))
}

/// The key by which the register is sorted: milliseconds since 1970, then the id.
fn position(record: &Value) -> (i128, String) {
    let text = |name: &str| record[name].as_str().unwrap_or_default();
    let created = OffsetDateTime::parse(text("createdDate"), &Rfc3339);
    let created = created.expect("every record has a date").unix_timestamp_nanos() / 1_000_000;
    (created, text("id").to_owned())
}
