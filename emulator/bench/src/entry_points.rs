//! Latency, throughput and CPU time: of the floor alone, and at each door of the system.

use std::sync::Arc;

use super::client::{Client, Known, Task};
use super::figures::Figure;
use super::floor::{Floor, Operation};
use super::report::Row;
use super::request::Door;
use super::{Bench, CALLERS_TYPICAL, load};

/// How many callers there are at a time.
const CALLERS: [usize; 3] = [1, 16, 64];

/// Requests whose database operations are counted.
const COUNTED: usize = 160;

impl Bench {
    pub(crate) async fn measure_floor(&mut self) -> Result<(), String> {
        let floor =
            Floor::prepare(&self.system, &self.options.functions, self.extent.seeded).await?;
        let floor = Arc::new(floor);
        for operation in Operation::ALL {
            for callers in CALLERS {
                let floor = floor.callers(callers, operation);
                let processes = self.system.processes()?;
                let measured = load::measure(floor, self.extent.timing, processes).await;
                let row = Row::new("floor", operation.name(), callers, &measured, None);
                self.report.add(row, measured.failures);
            }
        }
        Ok(())
    }

    pub(crate) async fn measure_doors(&mut self, known: &Arc<Known>) -> Result<(), String> {
        for door in Door::ALL {
            for task in [Task::CreatePatient, Task::LoadPatient] {
                for callers in CALLERS {
                    self.measure_door(door, task, callers, known).await?;
                }
            }
            for task in [Task::SearchPatient, Task::CreateTest] {
                self.measure_door(door, task, CALLERS_TYPICAL, known).await?;
            }
        }
        Ok(())
    }

    /// Whether a function asks the database for more than it must.
    pub(crate) async fn count_database_operations(
        &mut self,
        known: &Arc<Known>,
    ) -> Result<(), String> {
        for task in [Task::CreatePatient, Task::LoadPatient] {
            let before = self.system.database_operations().await?;
            self.send(task, COUNTED, known).await?;
            let operations = self.system.database_operations().await? - before;
            let name = format!("database operations per {}", task.name());
            let figure = Figure::new(name, "", operations as f64 / COUNTED as f64);
            self.report.figures.push(figure.target(2.0));
        }
        Ok(())
    }

    /// The sum of the medians: of the database's part, and of the way to the register.
    fn floor_us(&self, task: Task, callers: usize) -> Option<f64> {
        let [database, hop] = [Operation::needed_by(task)?, Operation::Hop]
            .map(|part| Some(self.report.row("floor", part.name(), callers)?.p50_us));
        Some(database? + hop?)
    }

    async fn measure_door(
        &mut self,
        door: Door,
        task: Task,
        callers: usize,
        known: &Arc<Known>,
    ) -> Result<(), String> {
        let clients = Client::several(callers, &self.system.entrance(door)?, task, known);
        let processes = self.system.processes()?;
        let measured = load::measure(clients, self.extent.timing, processes).await;
        let floor_us = self.floor_us(task, callers);
        let row = Row::new(door.name(), task.name(), callers, &measured, floor_us);
        self.report.add(row, measured.failures);
        Ok(())
    }
}
