//! Single figures, compared with their targets and with the scaffold.
//!
//! The scaffold was measured elsewhere, on a similar machine and behind the same protocol.

use serde::Serialize;

use super::CALLERS_TYPICAL;
use super::baseline::Operation;
use super::client::Task;
use super::report::Report;

pub(crate) const MIB: f64 = 1024.0 * 1024.0;

/// A megabyte, the unit of the scaffold's figures, in MiB.
const MB: f64 = 1e6 / MIB;

/// A figure.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figure {
    name: String,
    unit: &'static str,
    ours: f64,
    /// The upper limit.
    target: Option<f64>,
    scaffold: Option<f64>,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, unit: &'static str, ours: f64) -> Self {
        Self { name: name.into(), unit, ours, target: None, scaffold: None }
    }

    pub(crate) fn target(self, target: f64) -> Self {
        Self { target: Some(target), ..self }
    }

    pub(crate) fn scaffold(self, scaffold: f64) -> Self {
        Self { scaffold: Some(scaffold), ..self }
    }

    pub(crate) fn scaffold_mb(self, scaffold: f64) -> Self {
        self.scaffold(scaffold * MB)
    }

    fn line(&self) -> String {
        let number =
            |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.2}"));
        let ratio = |to: Option<f64>| number(to.map(|to| self.ours / to));
        format!(
            "{:<68} {:>8.2} {:<3} {:>8} {:>7} {:>10} {:>9}",
            self.name,
            self.ours,
            self.unit,
            number(self.target),
            ratio(self.target),
            number(self.scaffold),
            ratio(self.scaffold),
        )
    }
}

/// The targets for a task at the handler, and the scaffold's figures.
struct Targets {
    task: Task,
    /// The median with one client, relative to the baseline's.
    to_baseline: f64,
    /// CPU time of both apps with the typical number of clients.
    cpu_us: f64,
    /// CPU time of the patient app and the audit app.
    scaffold_cpu_us: [f64; 2],
    scaffold_p50_ms: f64,
}

const TARGETS: [Targets; 2] = [
    Targets {
        task: Task::CreatePatient,
        to_baseline: 1.35,
        cpu_us: 160.0,
        scaffold_cpu_us: [533.0, 281.0],
        scaffold_p50_ms: 1.58,
    },
    Targets {
        task: Task::LoadPatient,
        to_baseline: 1.25,
        cpu_us: 140.0,
        scaffold_cpu_us: [476.0, 271.0],
        scaffold_p50_ms: 1.47,
    },
];

/// The largest idle share of the processors while many clients wait, in per cent.
const IDLE_MAX: f64 = 15.0;

/// Compares the rows with the targets.
pub(crate) fn from_rows(report: &Report) -> Vec<Figure> {
    TARGETS
        .iter()
        .flat_map(|targets| {
            let mut figures = cpu_time(report, targets);
            figures.extend(latency(report, targets));
            figures.extend(idleness(report, targets.task));
            figures
        })
        .collect()
}

fn cpu_time(report: &Report, targets: &Targets) -> Vec<Figure> {
    let at_typical = |entry_point, operation| report.row(entry_point, operation, CALLERS_TYPICAL);
    let name = targets.task.name();
    let Some(row) = at_typical("handler", name) else {
        return Vec::new();
    };
    let both = format!("CPU per {name} at {CALLERS_TYPICAL} callers, both apps");
    let both = Figure::new(both, "µs", row.handlers_cpu_us());
    let mut figures =
        vec![both.target(targets.cpu_us).scaffold(targets.scaffold_cpu_us.iter().sum())];
    for (part, app) in ["patient app", "audit app"].into_iter().enumerate() {
        let one = Figure::new(format!("  of these the {app}"), "µs", row.cpu_us[part]);
        figures.push(one.scaffold(targets.scaffold_cpu_us[part]));
    }
    let operation = Operation::needed_by(targets.task);
    if let Some(baseline) = operation.and_then(|operation| at_typical("baseline", operation.name()))
    {
        // The driver runs in this process. The ratio does not depend on the speed of the machine.
        let ratio = row.handlers_cpu_us() / baseline.cpu_us[2];
        figures.push(Figure::new("  both apps relative to the driver alone", "×", ratio));
    }
    figures
}

fn latency(report: &Report, targets: &Targets) -> Vec<Figure> {
    let name = targets.task.name();
    let Some(row) = report.row("handler", name, 1) else {
        return Vec::new();
    };
    let median = format!("median of {name} at one caller, at the handler");
    let median = Figure::new(median, "ms", row.p50_us / 1e3).scaffold(targets.scaffold_p50_ms);
    let mut figures = vec![median];
    if let Some(ratio) = row.p50_to_baseline {
        figures.push(
            Figure::new("  relative to the baseline", "×", ratio).target(targets.to_baseline),
        );
    }
    figures
}

/// The idle share, which is low if only the processors limit the throughput.
fn idleness(report: &Report, task: Task) -> Vec<Figure> {
    let name = task.name();
    let rows =
        report.rows.iter().filter(|row| row.entry_point == "handler" && row.operation == name);
    rows.filter(|row| row.callers >= CALLERS_TYPICAL)
        .map(|row| {
            let busy = row.per_second * row.cpu_us.iter().sum::<f64>() / 1e6;
            let busy = busy + row.processors_of_others;
            let idle = 100.0 * (1.0 - busy / report.processors as f64);
            let name = format!("processors idle at {} callers of {name}", row.callers);
            Figure::new(name, "%", idle).target(IDLE_MAX)
        })
        .collect()
}

/// Prints all figures with their ratios.
pub(crate) fn print(figures: &[Figure]) {
    println!(
        "\n{:<68} {:>8} {:<3} {:>8} {:>7} {:>10} {:>9}",
        "", "ours", "", "target", "ours÷", "scaffold *", "ours÷"
    );
    for figure in figures {
        println!("{}", figure.line());
    }
    println!("* measured elsewhere, on a similar machine, behind the same protocol");
}

#[cfg(test)]
mod tests {
    use super::Figure;

    #[test]
    fn a_figure_is_printed_with_its_target_and_the_scaffold() {
        let line = Figure::new("start", "ms", 5.0).target(15.0).scaffold(211.0).line();
        let words: Vec<_> = line.split_whitespace().collect();

        assert_eq!(words, ["start", "5.00", "ms", "15.00", "0.33", "211.00", "0.02"]);
    }
}
