//! A telemetry item in the schema of Application Insights, version 2.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::time_span;

/// A telemetry item.
#[derive(Clone, Debug)]
pub struct Item {
    /// When it happened, or when it began.
    pub time: OffsetDateTime,
    /// Context: `ai.operation.id`, `ai.operation.parentId`, `ai.cloud.role` and others.
    pub tags: BTreeMap<String, String>,
    /// The payload.
    pub data: Data,
    /// The whole item as JSON, for searching.
    pub envelope: Value,
}

/// The payload of an item, by its type.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "baseType", content = "baseData")]
pub enum Data {
    /// An incoming request.
    #[serde(rename = "RequestData")]
    Request(Request),
    /// An outgoing call.
    #[serde(rename = "RemoteDependencyData")]
    Dependency(Dependency),
    /// An error.
    #[serde(rename = "ExceptionData")]
    Exception(Exception),
    /// A log line.
    #[serde(rename = "MessageData")]
    Message(Message),
    /// A custom event.
    #[serde(rename = "EventData")]
    Event(Event),
    /// Metrics.
    #[serde(rename = "MetricData")]
    Metric(Metric),
}

/// An incoming request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub(super) ver: u32,
    /// The span id.
    pub id: String,
    /// `GET /values/{id}`, or a function's name.
    pub name: String,
    /// The duration.
    #[serde(deserialize_with = "time_span::deserialize")]
    pub duration: Duration,
    /// The status.
    pub response_code: String,
    /// Whether it succeeded.
    pub success: bool,
    /// Its URL.
    pub url: Option<String>,
    /// Custom properties.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// An outgoing call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    pub(super) ver: u32,
    /// The span id.
    pub id: Option<String>,
    /// The name of the call.
    pub name: String,
    /// `HTTP`, `mongodb`, `InProc`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The host or service that was called.
    pub target: Option<String>,
    /// The command or URL.
    pub data: Option<String>,
    /// The duration.
    #[serde(deserialize_with = "time_span::deserialize")]
    pub duration: Duration,
    /// The status.
    pub result_code: Option<String>,
    /// Whether it succeeded, if that is known.
    pub success: Option<bool>,
    /// Custom properties.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// An error.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exception {
    pub(super) ver: u32,
    /// The error and its causes.
    pub exceptions: Vec<ExceptionDetails>,
    /// 0 (verbose) to 4 (critical), or the level's name.
    pub severity_level: Option<Value>,
    /// Custom properties.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// One error of a chain.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExceptionDetails {
    /// The error's type.
    pub type_name: Option<String>,
    /// The error message.
    pub message: String,
    /// The stack trace.
    pub stack: Option<String>,
}

/// A log line.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub(super) ver: u32,
    /// The line.
    pub message: String,
    /// 0 (verbose) to 4 (critical), or the level's name.
    pub severity_level: Option<Value>,
    /// Custom properties.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// A custom event.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    pub(super) ver: u32,
    /// The name of the event.
    pub name: String,
    /// Custom properties.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// Metrics.
#[derive(Clone, Debug, Deserialize)]
pub struct Metric {
    pub(super) ver: u32,
    /// The data points, at least one.
    pub metrics: Vec<DataPoint>,
    /// Custom properties.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// A data point: one measurement, or the sum of several.
#[derive(Clone, Debug, Deserialize)]
pub struct DataPoint {
    /// The name of the metric.
    pub name: String,
    /// The value or the sum.
    pub value: f64,
    /// The number of measurements.
    pub count: Option<f64>,
    /// The smallest measurement.
    pub min: Option<f64>,
    /// The largest measurement.
    pub max: Option<f64>,
}

impl Item {
    /// The trace id.
    pub fn operation_id(&self) -> Option<&str> {
        self.tag("ai.operation.id")
    }

    /// The id of the parent span.
    pub fn parent_id(&self) -> Option<&str> {
        self.tag("ai.operation.parentId")
    }

    /// The application that sent it.
    pub fn role(&self) -> Option<&str> {
        self.tag("ai.cloud.role")
    }

    /// The span id of a request or a dependency; other items have none.
    pub fn span_id(&self) -> Option<&str> {
        match &self.data {
            Data::Request(request) => Some(&request.id),
            Data::Dependency(dependency) => dependency.id.as_deref(),
            Data::Exception(_) | Data::Message(_) | Data::Event(_) | Data::Metric(_) => None,
        }
    }

    /// The value of a custom property.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.data.properties().get(name).map(String::as_str)
    }

    fn tag(&self, name: &str) -> Option<&str> {
        self.tags.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }
}

impl Data {
    /// The custom properties.
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
