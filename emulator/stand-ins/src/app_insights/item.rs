//! One item of telemetry, as Application Insights' schema (version 2) has it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::time_span;

/// What was said about one item, and what it is about.
#[derive(Clone, Debug)]
pub struct Item {
    /// When it happened, or began.
    pub time: OffsetDateTime,
    /// Context: `ai.operation.id`, `ai.operation.parentId`, `ai.cloud.role` and others.
    pub tags: BTreeMap<String, String>,
    /// What it is about.
    pub data: Data,
    /// Everything that was sent about it, for searching.
    pub envelope: Value,
}

/// What an item is about.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "baseType", content = "baseData")]
pub enum Data {
    /// A request that was served.
    #[serde(rename = "RequestData")]
    Request(Request),
    /// A call to someone else.
    #[serde(rename = "RemoteDependencyData")]
    Dependency(Dependency),
    /// A failure.
    #[serde(rename = "ExceptionData")]
    Exception(Exception),
    /// A line of a log.
    #[serde(rename = "MessageData")]
    Message(Message),
    /// A custom event.
    #[serde(rename = "EventData")]
    Event(Event),
    /// Measurements.
    #[serde(rename = "MetricData")]
    Metric(Metric),
}

/// A request that was served.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub(super) ver: u32,
    /// The span's id.
    pub id: String,
    /// `GET /values/{id}`, or a function's name.
    pub name: String,
    /// How long it took.
    #[serde(deserialize_with = "time_span::deserialize")]
    pub duration: Duration,
    /// The status.
    pub response_code: String,
    /// Whether it went well.
    pub success: bool,
    /// Its URL.
    pub url: Option<String>,
    /// More about it.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// A call to someone else.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    pub(super) ver: u32,
    /// The span's id.
    pub id: Option<String>,
    /// What was called.
    pub name: String,
    /// `HTTP`, `mongodb`, `InProc`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Who was called.
    pub target: Option<String>,
    /// The command.
    pub data: Option<String>,
    /// How long it took.
    #[serde(deserialize_with = "time_span::deserialize")]
    pub duration: Duration,
    /// The status.
    pub result_code: Option<String>,
    /// Whether it went well, if that is known.
    pub success: Option<bool>,
    /// More about it.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// A failure.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exception {
    pub(super) ver: u32,
    /// The error and its causes.
    pub exceptions: Vec<ExceptionDetails>,
    /// 0 (verbose) to 4 (critical), or the level's name.
    pub severity_level: Option<Value>,
    /// More about it.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// One error of a chain.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExceptionDetails {
    /// The error's type.
    pub type_name: Option<String>,
    /// What it says.
    pub message: String,
    /// Where it happened.
    pub stack: Option<String>,
}

/// A line of a log.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub(super) ver: u32,
    /// The line.
    pub message: String,
    /// 0 (verbose) to 4 (critical), or the level's name.
    pub severity_level: Option<Value>,
    /// More about it.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// A custom event.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    pub(super) ver: u32,
    /// Which event.
    pub name: String,
    /// More about it.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// Measurements.
#[derive(Clone, Debug, Deserialize)]
pub struct Metric {
    pub(super) ver: u32,
    /// The measurements; there is one at least.
    pub metrics: Vec<DataPoint>,
    /// More about them.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// One measurement, or the sum of several.
#[derive(Clone, Debug, Deserialize)]
pub struct DataPoint {
    /// What was measured.
    pub name: String,
    /// What it came to.
    pub value: f64,
    /// How many measurements are in it.
    pub count: Option<f64>,
    /// The smallest of them.
    pub min: Option<f64>,
    /// The largest of them.
    pub max: Option<f64>,
}

impl Item {
    /// The trace that it belongs to.
    pub fn operation_id(&self) -> Option<&str> {
        self.tag("ai.operation.id")
    }

    /// The span that it is a part of.
    pub fn parent_id(&self) -> Option<&str> {
        self.tag("ai.operation.parentId")
    }

    /// Which application sent it.
    pub fn role(&self) -> Option<&str> {
        self.tag("ai.cloud.role")
    }

    /// The id of the span that it describes; lines and measurements describe none.
    pub fn span_id(&self) -> Option<&str> {
        match &self.data {
            Data::Request(request) => Some(&request.id),
            Data::Dependency(dependency) => dependency.id.as_deref(),
            Data::Exception(_) | Data::Message(_) | Data::Event(_) | Data::Metric(_) => None,
        }
    }

    /// One of its properties.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.data.properties().get(name).map(String::as_str)
    }

    fn tag(&self, name: &str) -> Option<&str> {
        self.tags.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }
}

impl Data {
    /// What was said beyond the schema.
    pub fn properties(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Request(Request { properties, .. })
            | Self::Dependency(Dependency { properties, .. })
            | Self::Exception(Exception { properties, .. })
            | Self::Message(Message { properties, .. })
            | Self::Event(Event { properties, .. })
            | Self::Metric(Metric { properties, .. }) => properties,
        }
    }
}
