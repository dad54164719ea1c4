//! Validates items against the documented schema: names, required fields, lengths.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::item::{Data, Dependency, Exception, Item, Metric, Request};

/// The largest item that Azure accepts.
const ITEM_BYTES_MAX: usize = 64 << 10;

/// The maximum lengths, in characters ("Application Insights telemetry data model").
const PROPERTY_NAME_MAX: usize = 150;
const PROPERTY_VALUE_MAX: usize = 8192;
const ID_MAX: usize = 128;
const NAME_MAX: usize = 1024;
const EVENT_NAME_MAX: usize = 512;
const URL_MAX: usize = 2048;
const COMMAND_MAX: usize = 8192;
const MESSAGE_MAX: usize = 32768;

/// The only version of the data schema.
const VERSION: u32 = 2;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    name: String,
    time: String,
    i_key: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    data: Data,
}

/// Parses and validates an item for this instrumentation key; the error is a message for the
/// sender.
pub(super) fn read(text: &str, key: Uuid) -> Result<Item, String> {
    if text.len() > ITEM_BYTES_MAX {
        return Err(format!("the item has more than {ITEM_BYTES_MAX} bytes"));
    }
    let message = |error: serde_json::Error| error.to_string();
    let envelope: Value = serde_json::from_str(text).map_err(message)?;
    let Envelope { name, time, i_key, tags, data } =
        serde_json::from_value(envelope.clone()).map_err(message)?;
    let time = OffsetDateTime::parse(&time, &Rfc3339)
        .map_err(|_| "time is not in RFC 3339 format".to_owned())?;
    match Uuid::try_parse(&i_key) {
        Ok(given) if given == key => {}
        Ok(_) => return Err("iKey is unknown".to_owned()),
        Err(_) => return Err("iKey is not a GUID".to_owned()),
    }
    check_name(&name, &data)?;
    check_tags(&tags)?;
    check_properties(data.properties())?;
    check_data(&data)?;
    Ok(Item { time, tags, data, envelope })
}

/// Exporters write `Microsoft.ApplicationInsights.Request`, .NET since 2.15 `AppRequests`.
fn check_name(name: &str, data: &Data) -> Result<(), String> {
    let (long, short) = match data {
        Data::Request(_) => ("Request", "AppRequests"),
        Data::Dependency(_) => ("RemoteDependency", "AppDependencies"),
        Data::Exception(_) => ("Exception", "AppExceptions"),
        Data::Message(_) => ("Message", "AppTraces"),
        Data::Event(_) => ("Event", "AppEvents"),
        Data::Metric(_) => ("Metric", "AppMetrics"),
    };
    let is_long = name
        .strip_prefix("Microsoft.ApplicationInsights.")
        .is_some_and(|rest| rest.rsplit('.').next() == Some(long));
    match is_long || name == short {
        true => Ok(()),
        false => Err(format!("name is not Microsoft.ApplicationInsights.{long}")),
    }
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), String> {
    for (name, value) in tags {
        let max = match name.as_str() {
            "ai.operation.id" | "ai.operation.parentId" | "ai.user.id" => ID_MAX,
            "ai.cloud.role" | "ai.cloud.roleInstance" => 256,
            "ai.location.ip" => 46,
            "ai.internal.sdkVersion" | "ai.session.id" => 64,
            _ => NAME_MAX,
        };
        at_most(max, name, value)?;
    }
    Ok(())
}

fn check_properties(properties: &BTreeMap<String, String>) -> Result<(), String> {
    for (name, value) in properties {
        at_most(PROPERTY_NAME_MAX, "a property's name", name)?;
        at_most(PROPERTY_VALUE_MAX, "a property's value", value)?;
    }
    Ok(())
}

fn check_data(data: &Data) -> Result<(), String> {
    let version = match data {
        Data::Request(request) => check_request(request)?,
        Data::Dependency(dependency) => check_dependency(dependency)?,
        Data::Exception(exception) => check_exception(exception)?,
        Data::Message(message) => {
            at_most(MESSAGE_MAX, "message", &message.message)?;
            message.ver
        }
        Data::Event(event) => {
            present("name", &event.name)?;
            at_most(EVENT_NAME_MAX, "name", &event.name)?;
            event.ver
        }
        Data::Metric(metric) => check_metric(metric)?,
    };
    match version {
        VERSION => Ok(()),
        _ => Err("ver is not 2".to_owned()),
    }
}

/// Each of these checks the fields and returns the version of the schema.
fn check_request(request: &Request) -> Result<u32, String> {
    present("id", &request.id)?;
    present("responseCode", &request.response_code)?;
    at_most(ID_MAX, "id", &request.id)?;
    at_most(NAME_MAX, "name", &request.name)?;
    at_most(NAME_MAX, "responseCode", &request.response_code)?;
    at_most(URL_MAX, "url", request.url.as_deref().unwrap_or_default())?;
    Ok(request.ver)
}

fn check_dependency(dependency: &Dependency) -> Result<u32, String> {
    present("name", &dependency.name)?;
    at_most(NAME_MAX, "name", &dependency.name)?;
    for (max, name, text) in [
        (ID_MAX, "id", &dependency.id),
        (NAME_MAX, "type", &dependency.kind),
        (NAME_MAX, "target", &dependency.target),
        (NAME_MAX, "resultCode", &dependency.result_code),
        (COMMAND_MAX, "data", &dependency.data),
    ] {
        at_most(max, name, text.as_deref().unwrap_or_default())?;
    }
    Ok(dependency.ver)
}

fn check_exception(exception: &Exception) -> Result<u32, String> {
    if exception.exceptions.is_empty() {
        return Err("exceptions is empty".to_owned());
    }
    for details in &exception.exceptions {
        at_most(NAME_MAX, "typeName", details.type_name.as_deref().unwrap_or_default())?;
        at_most(MESSAGE_MAX, "message", &details.message)?;
        at_most(MESSAGE_MAX, "stack", details.stack.as_deref().unwrap_or_default())?;
    }
    Ok(exception.ver)
}

fn check_metric(metric: &Metric) -> Result<u32, String> {
    if metric.metrics.is_empty() {
        return Err("metrics is empty".to_owned());
    }
    for point in &metric.metrics {
        at_most(NAME_MAX, "name", &point.name)?;
    }
    Ok(metric.ver)
}

fn present(name: &str, text: &str) -> Result<(), String> {
    match text.is_empty() {
        true => Err(format!("{name} is empty")),
        false => Ok(()),
    }
}

fn at_most(max: usize, name: &str, text: &str) -> Result<(), String> {
    match text.chars().count() > max {
        true => Err(format!("{name} has more than {max} characters")),
        false => Ok(()),
    }
}
