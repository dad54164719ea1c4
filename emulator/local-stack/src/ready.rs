//! Waits until the system serves requests, as a client would.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use stand_ins::http_client;

use super::LocalStackError;

/// An unoptimised app responds within a second of its start; Core Tools take much longer.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// The pause between two checks, and the timeout of one.
const READY_INTERVAL: Duration = Duration::from_millis(100);
const READY_CHECK_LIMIT: Duration = Duration::from_secs(25);

/// Polls `Health`, whose 200 requires every part of the system.
pub(super) async fn wait(
    gateway_url: String,
    subscription_key: String,
) -> Result<(), LocalStackError> {
    let client = http_client();
    let started = Instant::now();
    loop {
        let response = client
            .get(format!("{gateway_url}/health"))
            .header("Ocp-Apim-Subscription-Key", &subscription_key)
            .timeout(READY_CHECK_LIMIT)
            .send()
            .await;
        let problem = match response {
            Ok(response) if response.status() == StatusCode::OK => return Ok(()),
            Ok(response) => format!("the gateway returns {}", response.status()),
            Err(error) => error.to_string(),
        };
        if started.elapsed() > READY_LIMIT {
            return Err(LocalStackError::NotReady(problem));
        }
        tokio::time::sleep(READY_INTERVAL).await;
    }
}
