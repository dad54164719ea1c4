//! Every 15 minutes

use shared::Result;
use shared::custom_handler::TimerRun;

use super::TimerFunction;
use crate::{App, reconciliation};

/// The function's entry in the table.
pub(crate) const FUNCTION: TimerFunction = TimerFunction {
    name: "ReconcileWrites",
    schedule: "0 */15 * * * *",
    handle: |app, run| Box::pin(handle(app, run)),
};

/// Compares what was announced in the register with what was written.
pub(crate) async fn handle(app: &App, run: TimerRun) -> Result<()> {
    reconciliation::run(app, &run).await
}
