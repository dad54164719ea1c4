//! Calls to the ingestion endpoint.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry_http::HttpError;
use tokio::runtime::Handle;
use tokio::time::timeout;
use warp::http::{Request, Response};

use crate::HttpClient;

/// The time limit of one call.
const CALL_TIME_MAX: Duration = Duration::from_secs(5);

/// Runs the calls of threads without a runtime on the app's runtime.
#[derive(Clone, Debug)]
pub(super) struct IngestionClient {
    http: Arc<HttpClient>,
    runtime: Handle,
}

impl IngestionClient {
    pub(super) fn new(http: Arc<HttpClient>, runtime: Handle) -> Self {
        Self { http, runtime }
    }
}

#[async_trait]
impl opentelemetry_http::HttpClient for IngestionClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = Arc::clone(&self.http);
        let call = async move { http.get().await?.send_bytes(request).await };
        // `timeout` needs the runtime's timer, so it runs inside the spawned task.
        let in_time = async { timeout(CALL_TIME_MAX, call).await };
        self.runtime.spawn(in_time).await??
    }
}
