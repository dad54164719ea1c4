//! Whether everything works, asked in the way of a client.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use stand_ins::http_client;

use super::LocalStackError;

/// An unoptimised app answers within a second of its start; Core Tools need many.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// Between two questions whether everything works, and how long one may take.
const READY_INTERVAL: Duration = Duration::from_millis(100);
const READY_QUESTION_LIMIT: Duration = Duration::from_secs(25);

/// Asks `Health`, whose 200 takes every part of the system.
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
            .timeout(READY_QUESTION_LIMIT)
            .send()
            .await;
        let problem = match response {
            Ok(response) if response.status() == StatusCode::OK => return Ok(()),
            Ok(response) => format!("the gateway answers {}", response.status()),
            Err(error) => error.to_string(),
        };
        if started.elapsed() > READY_LIMIT {
            return Err(LocalStackError::NotReady(problem));
        }
        tokio::time::sleep(READY_INTERVAL).await;
    }
}
