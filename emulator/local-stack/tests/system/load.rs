//! Load on the system: callers that repeat their work concurrently.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stand_ins::eventually;
use tokio::task::JoinSet;

/// How long callers may take to finish their work, including the recovery from a fault.
const FINISH_LIMIT: Duration = Duration::from_secs(120);

/// A caller with work to repeat.
pub trait Caller: Send + 'static {
    /// What one piece of work results in.
    type Output: Send + 'static;

    /// Does the next piece of work; `None` if all is done. An error ends the caller.
    fn next(&mut self) -> impl Future<Output = Option<Result<Self::Output, String>>> + Send;
}

/// Running callers and the results so far.
pub struct Load<T> {
    callers: JoinSet<Result<(), String>>,
    results: Arc<Mutex<Vec<T>>>,
    stop: Arc<AtomicBool>,
}

impl<T: Send + 'static> Load<T> {
    /// Starts all callers.
    pub fn start<C: Caller<Output = T>>(callers: impl IntoIterator<Item = C>) -> Self {
        let results = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let mut running = JoinSet::new();
        for mut caller in callers {
            let (results, stop) = (Arc::clone(&results), Arc::clone(&stop));
            running.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let Some(result) = caller.next().await else { break };
                    let result = result?;
                    results.lock().unwrap().push(result);
                }
                Ok(())
            });
        }
        Self { callers: running, results, stop }
    }

    /// The number of results so far.
    pub fn count(&self) -> usize {
        self.results.lock().unwrap().len()
    }

    /// Waits for this many more results.
    pub async fn progress(&self, more: usize) {
        let goal = self.count() + more;
        eventually("the callers make progress", async || self.count() >= goal).await;
    }

    /// Stops all callers after their current piece of work; none may have failed.
    pub async fn stop(self) -> Vec<T> {
        self.stop.store(true, Ordering::Relaxed);
        self.finish().await
    }

    /// Waits until all callers have done their work; none may have failed.
    pub async fn finish(mut self) -> Vec<T> {
        let joined = tokio::time::timeout(FINISH_LIMIT, async {
            while let Some(caller) = self.callers.join_next().await {
                caller.expect("a caller does not panic").expect("no call is refused");
            }
        });
        joined.await.expect("all callers finish in time");
        std::mem::take(&mut *self.results.lock().unwrap())
    }
}
