//! What the gateway answers itself.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde_json::json;

use crate::json_answer::json_answer;

pub(super) type Answer = Response<Full<Bytes>>;

/// How API Management asks for a key.
const CHALLENGE: HeaderValue = HeaderValue::from_static(
    "AzureApiManagementKey realm=\"patient-records\",name=\"Ocp-Apim-Subscription-Key\",type=\"header\"",
);

/// What a caller is told who has no valid key, as the policy `problem.xml.tftpl` words it.
pub(super) fn unauthorized() -> Answer {
    let title = "A valid subscription key or token is missing";
    let mut answer = problem(StatusCode::UNAUTHORIZED, "unauthorized", title);
    answer.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    answer
}

/// A problem, as a policy of ours would word it.
pub(super) fn problem(status: StatusCode, kind: &str, title: &str) -> Answer {
    let body = json!({
        "type": format!("urn:problem:patient-records:{kind}"),
        "title": title,
        "status": status.as_u16(),
        "detail": format!("{title}."),
    });
    json_answer(status, "application/problem+json", &body)
}
