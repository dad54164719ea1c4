//! Single figures, beside what is wanted and what the scaffold took.
//!
//! The scaffold's were measured elsewhere, on a machine such as this, behind the same protocol.

use serde::Serialize;

use super::report::Report;

pub(super) const MIB: f64 = 1024.0 * 1024.0;

/// The scaffold's megabytes, in the unit of ours.
const MB: f64 = 1e6 / MIB;

/// One number.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figure {
    name: String,
    unit: &'static str,
    ours: f64,
    /// At most this is wanted.
    target: Option<f64>,
    scaffold: Option<f64>,
}

impl Figure {
    pub(super) fn new(name: impl Into<String>, unit: &'static str, ours: f64) -> Self {
        Self { name: name.into(), unit, ours, target: None, scaffold: None }
    }

    pub(super) fn target(self, target: f64) -> Self {
        Self { target: Some(target), ..self }
    }

    pub(super) fn scaffold(self, scaffold: f64) -> Self {
        Self { scaffold: Some(scaffold), ..self }
    }

    pub(super) fn scaffold_mb(self, scaffold: f64) -> Self {
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

/// What the table says about the targets.
pub(super) fn from_rows(report: &Report) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (operation, floor, scaffold_cpu, target_cpu, scaffold_p50, target_to_floor) in [
        ("CreatePatient", "insert + insert", [533.0, 281.0], 220.0, 1.58, 1.35),
        ("LoadPatient", "find + insert", [476.0, 271.0], 190.0, 1.47, 1.25),
    ] {
        if let Some(row) = report.row("handler", operation, 16) {
            let both = format!("CPU per {operation} at 16 callers, both apps");
            let both = Figure::new(both, "µs", row.handlers_cpu_us());
            figures.push(both.target(target_cpu).scaffold(scaffold_cpu.iter().sum()));
            for (part, app) in ["patient app", "audit app"].into_iter().enumerate() {
                let one = Figure::new(format!("  of these the {app}"), "µs", row.cpu_us[part]);
                figures.push(one.scaffold(scaffold_cpu[part]));
            }
        }
        let at_16 = |door, operation| report.row(door, operation, 16);
        if let (Some(row), Some(floor)) = (at_16("handler", operation), at_16("floor", floor)) {
            // The driver's is that of this process. It tells a slow machine from slow handlers.
            let ratio = row.handlers_cpu_us() / floor.cpu_us[2];
            figures.push(Figure::new("  both apps to the driver alone", "×", ratio));
        }
        if let Some(row) = report.row("handler", operation, 1) {
            let median = format!("median of {operation} at one caller, at the handler");
            figures.push(Figure::new(median, "ms", row.p50_us / 1e3).scaffold(scaffold_p50));
            let to_floor = row.p50_to_floor.map(|ratio| Figure::new("  to the floor", "×", ratio));
            figures.extend(to_floor.map(|figure| figure.target(target_to_floor)));
        }
    }
    figures
}

/// Prints all figures with their ratios.
pub(super) fn print(figures: &[Figure]) {
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
