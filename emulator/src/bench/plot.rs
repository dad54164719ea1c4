//! Two charts as SVG: latency against load, and against the size of the collection.

use std::fmt::Write as _;

use super::report::Report;
use super::request::Door;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 360.0;

/// Room around a chart for its numbers.
const MARGIN: f64 = 56.0;

/// How many lines there are for reading values off.
const TICKS: u32 = 5;

const COLOURS: [&str; 6] = ["#0a58ca", "#c62330", "#1a7f37", "#9a6700", "#8250df", "#57606a"];

struct Chart {
    title: &'static str,
    x_label: &'static str,
    /// Whether each step along x is ten times as much.
    is_logarithmic: bool,
    series: Vec<(String, Vec<(f64, f64)>)>,
}

/// Both charts, one above the other; y is the median in milliseconds.
pub(super) fn svg(report: &Report) -> String {
    let charts = [latency_against_load(report), latency_against_size(report)];
    let height = HEIGHT * charts.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\"><rect width=\"100%\" height=\"100%\" \
         fill=\"#fff\"/>"
    );
    for (index, chart) in charts.iter().enumerate() {
        let _ = write!(svg, "<g transform=\"translate(0 {})\">", HEIGHT * index as f64);
        chart.draw(&mut svg);
        svg.push_str("</g>");
    }
    svg.push_str("</svg>\n");
    svg
}

fn latency_against_load(report: &Report) -> Chart {
    let mut series = Vec::new();
    for operation in ["CreatePatient", "LoadPatient"] {
        for door in Door::ALL {
            let rows = report.rows.iter();
            let rows = rows.filter(|row| row.door == door.name() && row.operation == operation);
            let points = rows.map(|row| (row.per_second, row.p50_us / 1e3)).collect();
            series.push((format!("{operation}, {}", door.name()), points));
        }
    }
    let title = "Latency at 1, 16 and 64 callers";
    Chart { title, x_label: "requests per second", is_logarithmic: false, series }
}

fn latency_against_size(report: &Report) -> Chart {
    let series = ["LoadPatient", "SearchPatient", "search by name"].map(|operation| {
        let points = report.growth.iter().filter(|point| point.operation == operation);
        let points = points.map(|point| (point.patients as f64, point.p50_us / 1e3)).collect();
        (operation.to_owned(), points)
    });
    Chart {
        title: "Latency at one caller, among more and more patients",
        x_label: "patients",
        is_logarithmic: true,
        series: series.into(),
    }
}

impl Chart {
    fn draw(&self, svg: &mut String) {
        let values = || self.series.iter().flat_map(|(_, points)| points);
        let x_of = |x: f64| if self.is_logarithmic { x.max(1.0).log10() } else { x };
        let x_max = values().map(|(x, _)| x_of(*x)).fold(f64::MIN_POSITIVE, f64::max);
        let y_max = values().map(|(_, y)| *y).fold(f64::MIN_POSITIVE, f64::max);
        let across = |x: f64| MARGIN + x / x_max * (WIDTH - 2.0 * MARGIN);
        let down = |y: f64| HEIGHT - MARGIN - y / y_max * (HEIGHT - 2.0 * MARGIN);
        let (left, right, bottom) = (MARGIN, WIDTH - MARGIN, HEIGHT - MARGIN);
        let _ = write!(
            svg,
            "<text x=\"{left}\" y=\"20\" font-weight=\"bold\">{}, median in ms</text>\
             <text x=\"{right}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            self.title,
            HEIGHT - 12.0,
            self.x_label,
        );
        for tick in 0..=TICKS {
            let share = f64::from(tick) / f64::from(TICKS);
            let (x, y) = (share * x_max, share * y_max);
            let number = if self.is_logarithmic { 10f64.powf(x) } else { x };
            let _ = write!(
                svg,
                "<path d=\"M{left} {1:.1}H{right}\" stroke=\"#d0d4da\"/>\
                 <text x=\"{2}\" y=\"{1:.1}\" text-anchor=\"end\">{y:.1}</text>\
                 <text x=\"{0:.1}\" y=\"{3}\" text-anchor=\"middle\">{number:.0}</text>",
                across(x),
                down(y),
                left - 6.0,
                bottom + 18.0,
            );
        }
        for (index, (name, points)) in self.series.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let points: Vec<_> = points
                .iter()
                .map(|(x, y)| format!("{:.1},{:.1}", across(x_of(*x)), down(*y)))
                .collect();
            let _ = write!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
                 <text x=\"{}\" y=\"{}\" fill=\"{colour}\">{name}</text>",
                points.join(" "),
                left + 8.0,
                MARGIN - 12.0 + 16.0 * index as f64,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_values_are_at_the_corner() {
        let series = vec![("one".to_owned(), vec![(0.0, 0.0), (200.0, 8.0)])];
        let chart = Chart { title: "t", x_label: "x", is_logarithmic: false, series };
        let mut svg = String::new();

        chart.draw(&mut svg);

        assert!(svg.contains("points=\"56.0,304.0 504.0,56.0\""), "{svg}");
    }
}
