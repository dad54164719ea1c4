//! Functions that the host starts on a schedule.

use crate::Deadline;
use crate::telemetry::TraceContext;

/// One run of a function on its schedule.
pub struct TimerRun {
    /// The deadline of the work.
    pub deadline: Deadline,
    /// The trace that the run belongs to.
    pub trace: TraceContext,
}

impl TimerRun {
    /// When the run must be over. The time from the deadline to then is for storing how far it went.
    pub fn reporting_deadline(&self) -> Deadline {
        self.deadline.for_reporting()
    }
}
