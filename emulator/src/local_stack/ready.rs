//! Whether everything works, asked in the way of a client.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use uuid::Uuid;

use super::LocalStackError;
use crate::http_client;

/// An unoptimised app answers within a second of its start; Core Tools need many.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// Between two questions whether everything works, and how long one may take.
const READY_INTERVAL: Duration = Duration::from_millis(100);
const READY_QUESTION_LIMIT: Duration = Duration::from_secs(25);

/// Asks for a patient that does not exist, which takes every part of the system.
pub(super) async fn wait(
    gateway_url: String,
    subscription_key: String,
) -> Result<(), LocalStackError> {
    let client = http_client();
    let started = Instant::now();
    loop {
        let answer = client
            .get(format!("{gateway_url}/patient/{}", Uuid::now_v7()))
            .header("Ocp-Apim-Subscription-Key", &subscription_key)
            .timeout(READY_QUESTION_LIMIT)
            .send()
            .await;
        let problem = match answer {
            Ok(answer) if is_problem(&answer) => return Ok(()),
            Ok(answer) => format!("the gateway answers {}", answer.status()),
            Err(error) => error.to_string(),
        };
        if started.elapsed() > READY_LIMIT {
            return Err(LocalStackError::NotReady(problem));
        }
        tokio::time::sleep(READY_INTERVAL).await;
    }
}

/// Only an app says 404 with a body; a host that knows no such route has none.
fn is_problem(answer: &reqwest::Response) -> bool {
    let content_type = answer.headers().get("content-type");
    let is_problem =
        content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/problem+json"));
    answer.status() == StatusCode::NOT_FOUND && is_problem
}
