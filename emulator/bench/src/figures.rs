//! Single figures, beside what is wanted and what the scaffold took.
//!
//! The scaffold's were measured elsewhere, on a machine such as this, behind the same protocol.

use serde::Serialize;

use super::CALLERS_TYPICAL;
use super::client::Task;
use super::floor::Operation;
use super::report::Report;

pub(crate) const MIB: f64 = 1024.0 * 1024.0;

/// The scaffold's megabytes, in the unit of ours.
const MB: f64 = 1e6 / MIB;

/// One number.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figure {
    name: String,
    unit: &'static str,
    ours: f64,
    /// At most this is wanted.
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
            "{:<58} {:>8.2} {:<3} {:>8} {:>7} {:>10} {:>9}",
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

/// What is wanted of a task at the handler, and what the scaffold needed.
struct Wanted {
    task: Task,
    /// Median at one caller to the floor's.
    to_floor: f64,
    /// Of both apps, at the typical number of callers.
    cpu_us: f64,
    /// Of the patient app and the audit app.
    scaffold_cpu_us: [f64; 2],
    scaffold_p50_ms: f64,
}

const WANTED: [Wanted; 2] = [
    Wanted {
        task: Task::CreatePatient,
        to_floor: 1.35,
        cpu_us: 160.0,
        scaffold_cpu_us: [533.0, 281.0],
        scaffold_p50_ms: 1.58,
    },
    Wanted {
        task: Task::LoadPatient,
        to_floor: 1.25,
        cpu_us: 140.0,
        scaffold_cpu_us: [476.0, 271.0],
        scaffold_p50_ms: 1.47,
    },
];

/// The most of the processors that may be idle while many wait for answers, in per cent.
const IDLE_MAX: f64 = 15.0;

/// What the table says about the targets.
pub(crate) fn from_rows(report: &Report) -> Vec<Figure> {
    WANTED
        .iter()
        .flat_map(|wanted| {
            let mut figures = cpu_time(report, wanted);
            figures.extend(latency(report, wanted));
            figures.extend(idleness(report, wanted.task));
            figures
        })
        .collect()
}

fn cpu_time(report: &Report, wanted: &Wanted) -> Vec<Figure> {
    let at_typical = |door, operation| report.row(door, operation, CALLERS_TYPICAL);
    let name = wanted.task.name();
    let Some(row) = at_typical("handler", name) else {
        return Vec::new();
    };
    let both = format!("CPU per {name} at {CALLERS_TYPICAL} callers, both apps");
    let both = Figure::new(both, "µs", row.handlers_cpu_us());
    let mut figures =
        vec![both.target(wanted.cpu_us).scaffold(wanted.scaffold_cpu_us.iter().sum())];
    for (part, app) in ["patient app", "audit app"].into_iter().enumerate() {
        let one = Figure::new(format!("  of these the {app}"), "µs", row.cpu_us[part]);
        figures.push(one.scaffold(wanted.scaffold_cpu_us[part]));
    }
    let floor = Operation::needed_by(wanted.task);
    if let Some(floor) = floor.and_then(|floor| at_typical("floor", floor.name())) {
        // The driver's is that of this process. It tells a slow machine from slow handlers.
        let ratio = row.handlers_cpu_us() / floor.cpu_us[2];
        figures.push(Figure::new("  both apps to the driver alone", "×", ratio));
    }
    figures
}

fn latency(report: &Report, wanted: &Wanted) -> Vec<Figure> {
    let name = wanted.task.name();
    let Some(row) = report.row("handler", name, 1) else {
        return Vec::new();
    };
    let median = format!("median of {name} at one caller, at the handler");
    let median = Figure::new(median, "ms", row.p50_us / 1e3).scaffold(wanted.scaffold_p50_ms);
    let mut figures = vec![median];
    if let Some(ratio) = row.p50_to_floor {
        figures.push(Figure::new("  to the floor", "×", ratio).target(wanted.to_floor));
    }
    figures
}

/// Whether anything but the processors limits the throughput.
fn idleness(report: &Report, task: Task) -> Vec<Figure> {
    let name = task.name();
    let rows = report.rows.iter().filter(|row| row.door == "handler" && row.operation == name);
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
        "\n{:<58} {:>8} {:<3} {:>8} {:>7} {:>10} {:>9}",
        "", "ours", "", "target", "ours÷", "scaffold *", "ours÷"
    );
    for figure in figures {
        println!("{}", figure.line());
    }
    println!("* measured elsewhere, on a machine such as this, behind the same protocol");
}

#[cfg(test)]
mod tests {
    use super::Figure;

    #[test]
    fn a_figure_stands_beside_its_target_and_the_scaffold() {
        let line = Figure::new("start", "ms", 5.0).target(15.0).scaffold(211.0).line();
        let words: Vec<_> = line.split_whitespace().collect();

        assert_eq!(words, ["start", "5.00", "ms", "15.00", "0.33", "211.00", "0.02"]);
    }
}
