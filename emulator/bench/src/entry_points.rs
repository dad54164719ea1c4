//! Latency, throughput and CPU time of the baseline and at each entry point.

use std::sync::Arc;

use super::baseline::{Baseline, Operation};
use super::client::{Client, Task, TestData};
use super::figures::Figure;
use super::report::Row;
use super::request::EntryPoint;
use super::{Bench, CALLERS_TYPICAL, load};

/// The numbers of concurrent clients.
const CALLERS: [usize; 3] = [1, 16, 64];

/// The number of requests whose database operations are counted.
const COUNTED: usize = 160;

impl Bench {
    pub(crate) async fn measure_baseline(&mut self) -> Result<(), String> {
        let baseline =
            Baseline::prepare(&self.system, &self.options.functions, self.scale.seeded).await?;
        let baseline = Arc::new(baseline);
        for operation in Operation::ALL {
            for callers in CALLERS {
                let clients = baseline.callers(callers, operation);
                let processes = self.system.processes()?;
                let measured = load::measure(clients, self.scale.timing, processes).await;
                let row = Row::new("baseline", operation.name(), callers, &measured, None);
                self.report.add(row, measured.failures);
            }
        }
        Ok(())
    }

    pub(crate) async fn measure_entry_points(
        &mut self,
        data: &Arc<TestData>,
    ) -> Result<(), String> {
        for entry_point in EntryPoint::ALL {
            for task in [Task::CreatePatient, Task::LoadPatient] {
                for callers in CALLERS {
                    self.measure_entry_point(entry_point, task, callers, data).await?;
                }
            }
            for task in [Task::SearchPatient, Task::CreateTest] {
                self.measure_entry_point(entry_point, task, CALLERS_TYPICAL, data).await?;
            }
        }
        Ok(())
    }

    /// Counts the database operations per request, which should be the minimum.
    pub(crate) async fn count_database_operations(
        &mut self,
        data: &Arc<TestData>,
    ) -> Result<(), String> {
        for task in [Task::CreatePatient, Task::LoadPatient] {
            let before = self.system.database_operations().await?;
            self.send(task, COUNTED, data).await?;
            let operations = self.system.database_operations().await? - before;
            let name = format!("database operations per {}", task.name());
            let figure = Figure::new(name, "", operations as f64 / COUNTED as f64);
            self.report.figures.push(figure.target(2.0));
        }
        Ok(())
    }

    /// The sum of the medians of the database operations and of the call of the Audit API.
    fn baseline_us(&self, task: Task, callers: usize) -> Option<f64> {
        let [database, hop] = [Operation::needed_by(task)?, Operation::Hop]
            .map(|part| Some(self.report.row("baseline", part.name(), callers)?.p50_us));
        Some(database? + hop?)
    }

    async fn measure_entry_point(
        &mut self,
        entry_point: EntryPoint,
        task: Task,
        callers: usize,
        data: &Arc<TestData>,
    ) -> Result<(), String> {
        let clients = Client::several(callers, &self.system.target(entry_point)?, task, data);
        let processes = self.system.processes()?;
        let measured = load::measure(clients, self.scale.timing, processes).await;
        let baseline_us = self.baseline_us(task, callers);
        let row = Row::new(entry_point.name(), task.name(), callers, &measured, baseline_us);
        self.report.add(row, measured.failures);
        Ok(())
    }
}
