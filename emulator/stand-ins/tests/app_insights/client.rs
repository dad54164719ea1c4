//! A telemetry exporter.

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use stand_ins::app_insights::AppInsights;

pub const OPERATION: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A value of the connection string.
pub fn setting(insights: &AppInsights, name: &str) -> String {
    let parts = insights.connection_string().split(';');
    let mut values = parts.filter_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    values.next().unwrap().to_owned()
}

pub fn call(insights: &AppInsights, path: &str) -> RequestBuilder {
    let url = format!("{}{path}", setting(insights, "IngestionEndpoint"));
    stand_ins::http_client().post(url)
}

pub async fn send(insights: &AppInsights, items: &[Value]) -> Response {
    let body = serde_json::to_string(items).unwrap();
    call(insights, "v2.1/track").body(body).send().await.unwrap()
}

pub async fn json(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

/// An item of the operation, at this offset in milliseconds.
pub fn item(insights: &AppInsights, kind: &str, at_ms: u32, parent: &str, data: Value) -> Value {
    let name = kind.strip_suffix("Data").unwrap();
    let mut tags = json!({ "ai.operation.id": OPERATION, "ai.cloud.role": "patient-tests-api" });
    if !parent.is_empty() {
        tags["ai.operation.parentId"] = parent.into();
    }
    let mut data = data;
    data["ver"] = 2.into();
    json!({
        "name": format!("Microsoft.ApplicationInsights.{name}"),
        "time": format!("2026-01-02T03:04:05.{at_ms:03}Z"),
        "iKey": setting(insights, "InstrumentationKey"),
        "tags": tags,
        "data": { "baseType": kind, "baseData": data },
    })
}

pub fn request(insights: &AppInsights) -> Value {
    let data = json!({
        "id": "00f067aa0ba902b7",
        "name": "CreatePatient",
        "duration": "0.00:00:00.040000",
        "responseCode": "201",
        "success": true,
        "properties": { "faas.name": "CreatePatient" },
    });
    item(insights, "RequestData", 0, "", data)
}
