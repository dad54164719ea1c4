//! `forward-request`
//! (<https://learn.microsoft.com/azure/api-management/forward-request-policy>).

use std::collections::HashSet;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue};
use tokio::time::timeout;

use super::context::Context;
use super::error::Failure;
use super::message::{Body, RequestBody, Response};
use super::policy::ForwardRequest;

/// The policy's name in errors.
const POLICY: &str = "forward-request";

/// The backend of the API.
pub(super) struct Backend {
    client: reqwest::Client,
    /// `http://127.0.0.1:7071/api`, to which the path of a request is added.
    service_url: String,
}

impl Backend {
    pub(super) fn new(client: reqwest::Client, service_url: String) -> Self {
        Self { client, service_url }
    }

    /// Forwards the request; the policy's timeout applies to the response's headers, and again to
    /// its body.
    ///
    /// An unbuffered body can be sent only once, with its original framing.
    pub(super) async fn forward(
        &self,
        policy: &ForwardRequest,
        context: &mut Context,
    ) -> Result<Response, Failure> {
        let call = self.call(policy, context).await?;
        let response = match timeout(policy.timeout, call.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => return Err(Failure::backend_connection(POLICY)),
            Err(_) => return Err(Failure::timeout(POLICY)),
        };
        let (status, headers) = (response.status(), end_to_end(response.headers()));
        let body = match timeout(policy.timeout, response.bytes()).await {
            Ok(Ok(bytes)) => Body::Whole(bytes),
            Ok(Err(_)) | Err(_) => Body::Incomplete,
        };
        Ok(Response { status, headers, body })
    }

    async fn call(
        &self,
        policy: &ForwardRequest,
        context: &mut Context,
    ) -> Result<reqwest::RequestBuilder, Failure> {
        let request = &mut context.request;
        let incomplete = |_| Failure::client_connection(POLICY);
        request.body.buffer().await.map_err(incomplete)?;
        let mut url = format!("{}{}", self.service_url, request.path);
        if let Some(query) = &request.query {
            url.extend(["?", query]);
        }
        let mut headers = end_to_end(&request.headers);
        headers.remove(HOST);
        let had_length = headers.remove(CONTENT_LENGTH).is_some();
        if let Ok(traceparent) = HeaderValue::from_str(&context.traceparent) {
            headers.insert("traceparent", traceparent);
        }
        let call = self.client.request(request.method.clone(), url).headers(headers);
        if matches!(request.body, RequestBody::TooLarge) {
            return Err(Failure::expression(POLICY, "The body is larger than what is buffered."));
        }
        let body = request.body.bytes();
        if !policy.buffer_request_body {
            request.body = RequestBody::None;
        }
        Ok(match body {
            Some(bytes) if policy.buffer_request_body || had_length => call.body(bytes),
            Some(bytes) => call.body(in_chunks(bytes)),
            None => call,
        })
    }
}

fn in_chunks(bytes: Bytes) -> reqwest::Body {
    let frame = Ok::<_, std::convert::Infallible>(hyper::body::Frame::data(bytes));
    reqwest::Body::wrap(http_body_util::StreamBody::new(futures_util::stream::iter([frame])))
}

/// The end-to-end headers (RFC 9110, section 7.6.1).
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named = named_by_connection(headers);
    headers
        .iter()
        .filter(|(name, _)| is_end_to_end(name, &named))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn is_end_to_end(name: &HeaderName, named_by_connection: &HashSet<String>) -> bool {
    let is_hop_by_hop = matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    );
    !is_hop_by_hop && !named_by_connection.contains(name.as_str())
}

/// The header names in `Connection`, in lower case.
fn named_by_connection(headers: &HeaderMap) -> HashSet<String> {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|named| named.trim().to_ascii_lowercase())
        .collect()
}
