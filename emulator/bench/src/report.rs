//! The table, printed row by row, and the JSON file with all results.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::fairness::MixedLoad;
use super::figures::Figure;
use super::growth::GrowthPoint;
use super::load::{Failures, Measured};
use super::process::PARTS;
use super::refusals::Refusal;
use super::register::RegisterPoint;

/// One phase: a number of clients with one operation at one entry point.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub(crate) entry_point: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) callers: usize,
    pub(crate) requests: usize,
    pub(crate) errors: u64,
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    /// The median relative to the baseline: the driver's operations and one hop, with as many
    /// clients.
    pub(crate) p50_to_baseline: Option<f64>,
    /// CPU time per request of patient app, audit app, this process and mongod.
    pub(crate) cpu_us: [f64; PARTS.len()],
    /// Processors that unrelated work used: the more, the less reliable the row.
    pub(crate) processors_of_others: f64,
}

/// The results of a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) quick: bool,
    pub(crate) processors: usize,
    /// The load averages of one, five and fifteen minutes before the run.
    pub(crate) load_average: String,
    pub(crate) data: String,
    pub(crate) figures: Vec<Figure>,
    pub(crate) rows: Vec<Row>,
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) fairness: Vec<MixedLoad>,
    pub(crate) growth: Vec<GrowthPoint>,
    pub(crate) register: Vec<RegisterPoint>,
    #[serde(skip)]
    pub(crate) failures: Failures,
}

impl Row {
    pub(crate) fn new(
        entry_point: &'static str,
        operation: &'static str,
        callers: usize,
        measured: &Measured,
        baseline_us: Option<f64>,
    ) -> Self {
        let p50_us = measured.percentile_us(0.5);
        Self {
            entry_point,
            operation,
            callers,
            requests: measured.requests(),
            errors: measured.failures.count,
            per_second: measured.per_second(),
            p50_us,
            p99_us: measured.percentile_us(0.99),
            p999_us: measured.percentile_us(0.999),
            p50_to_baseline: baseline_us.map(|baseline_us| p50_us / baseline_us),
            cpu_us: measured.cpu_us(),
            processors_of_others: measured.processors_of_others(),
        }
    }

    /// CPU time of both handlers.
    pub(crate) fn handlers_cpu_us(&self) -> f64 {
        self.cpu_us[0] + self.cpu_us[1]
    }

    fn line(&self) -> String {
        let ms = |us: f64| us / 1e3;
        let ratio = self.p50_to_baseline.map_or_else(String::new, |ratio| format!("{ratio:.1}"));
        let mut line = format!(
            "{:<11} {:<16} {:>7} {:>8.0} {:>8.2} {:>8.2} {:>8.2} {ratio:>9}",
            self.entry_point,
            self.operation,
            self.callers,
            self.per_second,
            ms(self.p50_us),
            ms(self.p99_us),
            ms(self.p999_us),
        );
        for cpu_us in self.cpu_us {
            let _ = write!(line, " {cpu_us:>7.0}");
        }
        let _ = write!(line, " {:>7.2}", self.processors_of_others);
        if self.errors > 0 {
            let _ = write!(line, "  {} ERRORS", self.errors);
        }
        line
    }
}

impl Report {
    /// Stores and prints a row; the first one with the heading.
    pub(crate) fn add(&mut self, row: Row, failures: Failures) {
        if self.rows.is_empty() {
            print_heading();
        }
        println!("{}", row.line());
        self.rows.push(row);
        self.failures.merge(failures);
    }

    /// The row of this phase, if it was measured.
    pub(crate) fn row(&self, entry_point: &str, operation: &str, callers: usize) -> Option<&Row> {
        self.rows.iter().find(|row| {
            row.entry_point == entry_point && row.operation == operation && row.callers == callers
        })
    }

    pub(crate) fn write(&self, file: &Path) -> std::io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(file, serde_json::to_vec_pretty(self)?)
    }
}

fn print_heading() {
    println!("\n{:72} {:>9} {:>31} {:>7}", "", "p50", "CPU µs per request        ", "CPUs of");
    println!(
        "{:<11} {:<16} {:>7} {:>8} {:>8} {:>8} {:>8} {:>9} {:>7} {:>7} {:>7} {:>7} {:>7}",
        "entry point",
        "operation",
        "callers",
        "req/s",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "÷baseline",
        "patient",
        "audit",
        "bench",
        "mongod",
        "others"
    );
}
