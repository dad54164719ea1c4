//! The payloads that the Functions host posts to a handler.

use serde_json::{Value, json};
use uuid::Uuid;

use super::request::Request;

/// The invocation payload of a request that came through gateway and host.
pub(crate) fn for_request(request: &Request) -> Value {
    let length = request.body.len().to_string();
    let headers = [
        ("Host", "127.0.0.1:7071"),
        ("Content-Type", "application/json"),
        ("Content-Length", &length),
        ("x-functions-key", "0123456789abcdef0123456789abcdef"),
        ("X-Caller-Subscription", "bench"),
        ("X-Caller-Address", "127.0.0.1"),
        ("traceparent", &traceparent()),
    ];
    let lines = headers.map(|(name, value)| (name.to_owned(), json!([value])));
    let joined = headers.map(|(name, value)| (name.to_owned(), json!(value)));
    let claim = "http://schemas.microsoft.com/2017/07/functions/claims/keyid";
    let mut trigger = json!({
        "Url": format!("http://127.0.0.1:7071/api{}", request.path),
        "Method": request.method,
        "Query": {},
        "Headers": Value::Object(lines.into_iter().collect()),
        "Params": {},
        "Identities": [{
            "AuthenticationType": "WebJobsAuthLevel", "IsAuthenticated": true,
            "Claims": [{"Type": claim, "Value": "gateway"}]
        }],
    });
    if let Some(id) = &request.patient_id {
        trigger["Params"]["patientId"] = json!(id);
    }
    if !request.body.is_empty() {
        trigger["Body"] = json!(request.body);
    }
    let metadata = json!({
        "Query": {},
        "Headers": Value::Object(joined.into_iter().collect()),
        "sys": {"MethodName": request.function, "UtcNow": "2024-05-14T15:14:15.12Z", "RandGuid": Uuid::nil()}
    });
    json!({"Data": {"req": trigger}, "Metadata": metadata})
}

fn traceparent() -> String {
    format!("00-{:032x}-{:016x}-01", fastrand::u128(1..), fastrand::u64(1..))
}
