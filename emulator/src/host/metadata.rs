//! What the trigger's binding data make of a request; nothing here that `Data` has not
//! (`HttpTriggerAttributeBindingProvider.cs`, `FunctionBinding.cs`, `SystemBindingData.cs`).

use std::borrow::Cow;

use hyper::HeaderMap;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use uuid::Uuid;

use super::by_name::ByName;
use super::dotnet;
use super::function::Function;
use super::header_name::canonical;
use super::json::{Json, Members};
use super::query;
use super::route::RouteValues;

/// Binding data: names compare without letter case, and later writers win.
pub(super) struct Metadata<'a>(ByName<Cow<'a, str>, Entry<'a>>);

enum Entry<'a> {
    /// Anything but an object is written as JSON, and that as a text.
    Text(String),
    /// A member of the body.
    Object(Members),
    Query(ByName<&'a str, &'a str>),
    Headers(&'a HeaderMap),
    System(System<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct System<'a> {
    method_name: &'a str,
    utc_now: String,
    rand_guid: String,
}

/// Collects the binding data of a request.
pub(super) fn of<'a>(
    function: &'a Function,
    headers: &'a HeaderMap,
    body: Option<&str>,
    query: &'a [(String, String)],
    values: &'a RouteValues,
) -> Metadata<'a> {
    let mut metadata = Metadata(ByName::new());
    for (name, value) in body.and_then(members).unwrap_or_default().0 {
        match value {
            Json::Object(members) => metadata.set(name, Entry::Object(members)),
            scalar => metadata.set_text(name, scalar.into_scalar_text().as_deref()),
        }
    }
    for (name, value) in query.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("code")) {
        metadata.set_text(name.as_str(), Some(value));
    }
    for (name, value) in values {
        metadata.set_text(name.as_str(), value.as_deref());
    }
    if !metadata.has("Query") {
        metadata.set("Query", Entry::Query(query::last(query)));
    }
    if !metadata.has("Headers") {
        metadata.set("Headers", Entry::Headers(headers));
    }
    let system = System {
        method_name: &function.name,
        utc_now: dotnet::iso_text(OffsetDateTime::now_utc(), "Z"),
        rand_guid: Uuid::new_v4().to_string(),
    };
    let name = if metadata.has("sys") { "$sys" } else { "sys" };
    metadata.set(name, Entry::System(system));
    metadata
}

fn members(body: &str) -> Option<Members> {
    // Most bodies that are no object are not even looked through.
    if !body.trim_start().starts_with('{') {
        return None;
    }
    match serde_json::from_str(body) {
        Ok(Json::Object(members)) => Some(members),
        Ok(_) | Err(_) => None,
    }
}

impl<'a> Metadata<'a> {
    fn has(&self, name: &str) -> bool {
        self.0.has(name)
    }

    fn set(&mut self, name: impl Into<Cow<'a, str>>, entry: Entry<'a>) {
        let name = name.into();
        if !ends_with_trigger(&name) {
            self.0.set(name, entry);
        }
    }

    fn set_text(&mut self, name: impl Into<Cow<'a, str>>, text: Option<&str>) {
        if let Some(json) = text.and_then(|text| serde_json::to_string(text).ok()) {
            self.set(name, Entry::Text(json));
        }
    }
}

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(json) => serializer.serialize_str(json),
            Self::Object(members) => serializer.collect_map(&members.0),
            Self::Query(values) => values.serialize(serializer),
            Self::Headers(headers) => serializer.collect_map(
                headers.keys().map(|name| (canonical(name), lines(headers, name.as_str()))),
            ),
            Self::System(system) => system.serialize(serializer),
        }
    }
}

/// The lines of a header, joined with commas.
fn lines(headers: &HeaderMap, name: &str) -> String {
    let mut joined = String::new();
    for line in headers.get_all(name) {
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(&String::from_utf8_lossy(line.as_bytes()));
    }
    joined
}

/// Such names are left out, whatever their letter case.
fn ends_with_trigger(name: &str) -> bool {
    const ENDING: &str = "trigger";
    name.len()
        .checked_sub(ENDING.len())
        .and_then(|at| name.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(ENDING))
}
