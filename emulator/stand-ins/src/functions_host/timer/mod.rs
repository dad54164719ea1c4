//! Timer triggers: on schedule, late, and on demand (azure-webjobs-sdk-extensions,
//! `src/WebJobs.Extensions/Extensions/Timers`).

mod listener;
mod schedule;
mod status;
mod store;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;

use super::invoke::{Invocation, Invoker, Outcome};
use super::metadata;
use super::payload;
pub(super) use schedule::Schedule;
use status::Status;
use store::Store;

/// A function with a timer trigger.
#[derive(Debug)]
pub(super) struct TimerFunction {
    pub(super) name: String,
    pub(super) trigger: String,
    pub(super) schedule: Schedule,
    /// Whether `AzureWebJobs.{Name}.Disabled` is set, which stops the schedule.
    pub(super) disabled: bool,
}

/// The timer functions of a host, for running them on demand.
#[derive(Clone)]
pub struct Timers(Arc<[Arc<Timer>]>);

/// Why a run on demand failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimerError {
    /// No function of this name has a timer trigger.
    #[error("no function of this name has a timer trigger")]
    Unknown,
    /// The handler refused the run, did not finish it or timed out.
    #[error("the run failed")]
    Failed,
}

/// A timer of a running host.
struct Timer {
    function: Arc<TimerFunction>,
    invoker: Arc<Invoker>,
    store: Store,
}

/// The data of a timer trigger in the payload (`TimerInfo.cs`).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TimerInfo {
    schedule: ScheduleInfo,
    schedule_status: Option<Status>,
    is_past_due: bool,
}

/// The one serialised member of a schedule.
#[derive(Serialize)]
struct ScheduleInfo {
    #[serde(rename = "AdjustForDST")]
    adjust_for_dst: bool,
}

impl Timers {
    /// The timers of an app; their status is stored in `folder`, if given.
    pub(super) fn new(invoker: &Arc<Invoker>, folder: Option<&Path>) -> Self {
        let timer = |function: &Arc<TimerFunction>| {
            let store = Store::new(folder.map(|folder| folder.join(&function.name)));
            Arc::new(Timer { function: Arc::clone(function), invoker: Arc::clone(invoker), store })
        };
        Self(invoker.app.functions.timers.iter().map(timer).collect())
    }

    /// Runs a function now and waits for its end. As in the real host, this does not wait for a run
    /// under way and does not affect the schedule.
    ///
    /// # Errors
    /// If there is no such timer function, or the run fails.
    pub async fn run(&self, function: &str) -> Result<(), TimerError> {
        let is_this = |timer: &&Arc<Timer>| timer.function.name.eq_ignore_ascii_case(function);
        let timer = self.0.iter().find(is_this).ok_or(TimerError::Unknown)?;
        let status = timer.store.get().filter(|_| timer.is_monitored());
        let succeeded = timer.invoke(status, false).await;
        succeeded.then_some(()).ok_or(TimerError::Failed)
    }

    /// Whether there is a timer function of this name.
    pub(super) fn has(&self, function: &str) -> bool {
        self.0.iter().any(|timer| timer.function.name.eq_ignore_ascii_case(function))
    }

    /// Runs all functions on their schedules until the host stops; dropping the result ends this.
    pub(super) fn start(&self) -> JoinSet<()> {
        let mut listening = JoinSet::new();
        for timer in self.0.iter().filter(|timer| !timer.function.disabled) {
            let timer = Arc::clone(timer);
            let invoker = Arc::clone(&timer.invoker);
            listening.spawn(async move {
                tokio::select! {
                    () = listener::listen(timer, OffsetDateTime::now_utc) => {}
                    () = invoker.handler.host_stopped() => {}
                }
            });
        }
        listening
    }
}

impl listener::Target for Arc<Timer> {
    fn schedule(&self) -> &Schedule {
        &self.function.schedule
    }

    fn stored(&self) -> Option<Status> {
        self.store.get()
    }

    fn store(&self, status: Status) {
        if let Err(error) = self.store.set(status) {
            let name = &self.function.name;
            self.invoker.console.note(&format!("the status of {name} is not stored: {error}"));
        }
    }

    async fn run(&self, status: Option<Status>, is_past_due: bool) {
        // A failure is logged, and the schedule continues.
        let _succeeded = self.invoke(status, is_past_due).await;
    }
}

impl Timer {
    fn is_monitored(&self) -> bool {
        self.function.schedule.is_monitored(OffsetDateTime::now_utc())
    }

    async fn invoke(&self, status: Option<Status>, is_past_due: bool) -> bool {
        let info = TimerInfo {
            schedule: ScheduleInfo { adjust_for_dst: true },
            schedule_status: status,
            is_past_due,
        };
        let TimerFunction { name, trigger, .. } = &*self.function;
        let payload = payload::assemble(trigger, info, metadata::system_only(name));
        let invocation = Invocation { function: name, payload, trace: [None, None] };
        // Application Insights shows 0 where there is no HTTP status.
        let succeeded = self.invoker.invoke(invocation, |envelope| Outcome {
            result: envelope.is_some(),
            code: 0,
            success: envelope.is_some(),
        });
        let succeeded = succeeded.await;
        if !succeeded {
            self.invoker.console.note(&format!("a run of {name} failed"));
        }
        succeeded
    }
}

impl Schedule {
    /// Whether a timer has a status: not if it runs more than once in the next minute
    /// (`TimerSchedule.Create`).
    fn is_monitored(&self, now: OffsetDateTime) -> bool {
        let second = self.next_after(self.next_after(now));
        second >= now + Duration::MINUTE
    }
}

impl std::fmt::Debug for Timers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|timer| &timer.function)).finish()
    }
}
