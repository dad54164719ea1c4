//! `SearchAuditRecords`, with the criteria that the patient app uses.

use serde_json::Value;

/// The most records on a page, few enough for tests to have several pages.
const PAGE_RECORDS_MAX: usize = 100;

/// One page of the records that match, newest first.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) records: Vec<Value>,
    /// The cursor of the next page.
    pub(super) next: Option<String>,
}

/// Searches the register; `None` if a criterion is unknown or unbounded.
pub(super) fn search(register: &[Value], criteria: &Value, cursor: Option<&str>) -> Option<Page> {
    let criteria = criteria.as_object()?;
    let is_bounded = ["relatesTo", "from", "to"].map(|name| criteria.contains_key(name));
    if !matches!(is_bounded, [true, ..] | [_, true, true]) {
        return None;
    }
    let mut found: Vec<_> = register.iter().collect();
    for (name, expected) in criteria {
        match name.as_str() {
            "outcome" | "relatesTo" => found.retain(|record| record.get(name) == Some(expected)),
            // Times of one form sort as texts.
            "from" => found.retain(|record| record["createdDate"].as_str() >= expected.as_str()),
            "to" => found.retain(|record| record["createdDate"].as_str() < expected.as_str()),
            _ => return None,
        }
    }
    found.sort_by_key(|record| std::cmp::Reverse(position(record)));
    if let Some(cursor) = cursor {
        found.retain(|record| position(record).as_str() < cursor);
    }
    let next = (found.len() > PAGE_RECORDS_MAX).then(|| position(found[PAGE_RECORDS_MAX - 1]));
    found.truncate(PAGE_RECORDS_MAX);
    Some(Page { records: found.into_iter().cloned().collect(), next })
}

fn position(record: &Value) -> String {
    let text = |name: &str| record[name].as_str().unwrap_or_default();
    format!("{}.{}", text("createdDate"), text("id"))
}
