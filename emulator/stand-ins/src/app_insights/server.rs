//! The ingestion endpoint: `POST /v2.1/track`, or `/v2/track` as older exporters call it.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::header::{CONTENT_ENCODING, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::body::{self, BodyError};
use super::store::Store;
use crate::fault::Dropped;
use crate::http::accept;
use crate::http::{JSON, json_response};
use crate::http::{MinRateBody, serve_connection};

/// The largest request body before decompression.
const BODY_BYTES_MAX: usize = 4 << 20;

type HttpResponse = Response<Full<Bytes>>;

/// Serves until aborted.
pub(super) async fn serve(listener: TcpListener, store: Arc<Store>) {
    let serve = |connection, _| {
        let store = Arc::clone(&store);
        async move { serve_connection(connection, |request| respond(request, &store)).await }
    };
    accept(listener, serve).await;
}

async fn respond(request: Request<MinRateBody>, store: &Store) -> Result<HttpResponse, Dropped> {
    let (parts, body) = request.into_parts();
    // Read the body even if a fault is set: a client that is still sending does not read responses.
    let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Ok(refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"));
        }
        Err(_) => return Err(Dropped),
    };
    if let Some(fault) = store.fault_for_request() {
        return fault.respond().await;
    }
    if !matches!(parts.uri.path(), "/v2.1/track" | "/v2/track") {
        return Ok(refuse(StatusCode::NOT_FOUND, "there is no such path"));
    }
    if parts.method != Method::POST {
        return Ok(refuse(StatusCode::METHOD_NOT_ALLOWED, "telemetry is posted"));
    }
    match parts.headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None => Ok(track(store, &body, false)),
        Some(b"gzip") => Ok(track(store, &body, true)),
        Some(_) => Ok(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "only gzip is read")),
    }
}

fn track(store: &Store, body: &[u8], is_gzip: bool) -> HttpResponse {
    let texts = match body::items(body, is_gzip) {
        Ok(texts) => texts,
        Err(error @ BodyError::TooLarge) => {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string());
        }
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let outcome = store.receive(&texts).into_iter().enumerate();
    let errors: Vec<_> =
        outcome.filter_map(|(index, reason)| Some(error(index, &reason?))).collect();
    let accepted = texts.len() - errors.len();
    let status = match (accepted, errors.len()) {
        (_, 0) => StatusCode::OK,
        (0, _) => StatusCode::BAD_REQUEST,
        _ => StatusCode::PARTIAL_CONTENT,
    };
    report(status, texts.len(), accepted, errors)
}

/// Rejects a whole body.
fn refuse(status: StatusCode, message: &str) -> HttpResponse {
    let error = json!({ "index": 0, "statusCode": status.as_u16(), "message": message });
    report(status, 0, 0, vec![error])
}

fn error(index: usize, message: &str) -> Value {
    json!({ "index": index, "statusCode": 400, "message": message })
}

fn report(
    status: StatusCode,
    received: usize,
    accepted: usize,
    errors: Vec<Value>,
) -> HttpResponse {
    let body = json!({
        "itemsReceived": received,
        "itemsAccepted": accepted,
        "errors": errors,
    });
    json_response(status, JSON, &body)
}
