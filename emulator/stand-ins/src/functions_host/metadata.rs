//! The payload's `Metadata`: the trigger's binding data, which repeat what `Data` has
//! (`HttpTriggerAttributeBindingProvider.cs`, `FunctionBinding.cs`, `SystemBindingData.cs`).

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use uuid::Uuid;

use super::case_insensitive_map::CaseInsensitiveMap;
use super::dotnet;
use super::json::{self, Json};
use super::kestrel::Headers;
use super::query;
use super::route::RouteValues;

/// The maximum nesting of a body whose members become binding data (Json.NET's limit).
const DEPTH_MAX: usize = 64;

/// Binding data; names are case-insensitive, and later values win.
pub(super) struct Metadata<'a>(CaseInsensitiveMap<Cow<'a, str>, Entry<'a>>);

enum Entry<'a> {
    /// A value other than an object: its JSON, serialised as a string.
    Text(String),
    /// A member of the body.
    Object(Json),
    Query(CaseInsensitiveMap<&'a str, &'a str>),
    Headers(&'a Headers),
    System(System<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct System<'a> {
    method_name: &'a str,
    utc_now: String,
    rand_guid: String,
}

/// The binding data of an HTTP request.
pub(super) fn for_request<'a>(
    function: &'a str,
    headers: &'a Headers,
    body: Option<&str>,
    query: &'a [(String, String)],
    values: &'a RouteValues,
) -> Metadata<'a> {
    let mut metadata = Metadata(CaseInsensitiveMap::new());
    // Avoids parsing most bodies that are not objects.
    let body = body.filter(|body| body.trim_start().starts_with('{'));
    if let Some(Json::Object(members)) = body.and_then(|body| json::whole(body, DEPTH_MAX)) {
        for (name, value) in members.0 {
            match value {
                object @ Json::Object(_) => metadata.set(name, Entry::Object(object)),
                scalar => metadata.set_text(name, scalar.into_scalar_text().as_deref()),
            }
        }
    }
    for (name, value) in query::last(query).iter() {
        if !name.eq_ignore_ascii_case("code") {
            metadata.set_text(*name, Some(value));
        }
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
    let name = if metadata.has("sys") { "$sys" } else { "sys" };
    metadata.set(name, Entry::System(System::new(function)));
    metadata
}

/// The binding data of a trigger that has none of its own.
pub(super) fn system_only(function: &str) -> Metadata<'_> {
    let mut metadata = Metadata(CaseInsensitiveMap::new());
    metadata.set("sys", Entry::System(System::new(function)));
    metadata
}

impl<'a> System<'a> {
    fn new(function: &'a str) -> Self {
        Self {
            method_name: function,
            utc_now: dotnet::iso_text(OffsetDateTime::now_utc(), "Z"),
            rand_guid: Uuid::new_v4().to_string(),
        }
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
        if let Some(text) = text {
            self.set(name, Entry::Text(json::quoted(text)));
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
            Self::Object(object) => object.serialize(serializer),
            Self::Query(values) => values.serialize(serializer),
            Self::Headers(headers) => {
                serializer.collect_map(headers.iter().map(|(name, lines)| (name, lines.join(","))))
            }
            Self::System(system) => system.serialize(serializer),
        }
    }
}

/// Such names are omitted, in any case.
fn ends_with_trigger(name: &str) -> bool {
    const ENDING: &str = "trigger";
    name.len()
        .checked_sub(ENDING.len())
        .and_then(|at| name.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(ENDING))
}
