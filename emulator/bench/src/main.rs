//! Benchmarks in one run: start-up times, sizes, memory, latency, throughput and CPU time.
//!
//! No figure is asserted, but a run with failed requests fails.

mod baseline;
mod bodies;
mod client;
mod comparison;
mod connection;
mod entry_points;
mod fairness;
mod figures;
mod footprint;
mod growth;
mod load;
mod payload;
mod process;
mod refusals;
mod register;
mod report;
mod request;
mod start;
mod system;
mod telemetry;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use stand_ins::process::StopSignals;

use figures::Figure;
use load::Timing;
use report::Report;
use system::System;

const OUTPUT: &str = "target/bench/latest.json";

/// The number of clients in phases with a single number.
const CALLERS_TYPICAL: usize = 16;

/// Enough for a full page of a search.
const PATIENTS_PER_POST_CODE: usize = 125;

/// Measures start, size, memory, latency and CPU time of both apps.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct BenchOptions {
    /// Where both apps are packaged
    functions: PathBuf,
    /// Where an older build of them is packaged: compares the two, in turn
    #[arg(long, value_name = "OLDER-FUNCTIONS")]
    against: Option<PathBuf>,
    /// Measures the audit register alone
    #[arg(long, conflicts_with = "against")]
    register: bool,
    /// Takes less time, for a rough idea
    #[arg(long)]
    quick: bool,
}

/// The scale of a run.
struct Scale {
    starts: usize,
    /// The number of seeded patients.
    seeded: usize,
    /// The number of requests before memory is measured, including the seeded patients.
    requests: usize,
    /// The collection sizes for loading and searching.
    sizes: &'static [usize],
    /// The numbers of audit records for reading access logs.
    registers: &'static [usize],
    timing: Timing,
    /// The number of large bodies of each kind.
    refusals: usize,
    /// The timing of small requests during large ones.
    mixed: Timing,
}

const QUICK: Scale = Scale {
    starts: 5,
    seeded: 2_000,
    requests: 8_000,
    sizes: &[1_000, 10_000],
    registers: &[10_000, 100_000],
    timing: Timing { warm_up: Duration::from_millis(150), measured: Duration::from_millis(400) },
    refusals: 5,
    mixed: Timing { warm_up: Duration::from_secs(2), measured: Duration::from_secs(8) },
};

const FULL: Scale = Scale {
    starts: 15,
    seeded: 10_000,
    requests: 100_000,
    sizes: &[1_000, 10_000, 100_000, 1_000_000],
    registers: &[10_000, 100_000, 1_000_000],
    timing: Timing { warm_up: Duration::from_millis(500), measured: Duration::from_secs(2) },
    refusals: 40,
    mixed: Timing { warm_up: Duration::from_secs(5), measured: Duration::from_secs(40) },
};

/// A run in progress.
struct Bench {
    options: BenchOptions,
    scale: &'static Scale,
    system: System,
    report: Report,
}

/// Single-threaded, so that no request waits for another thread to wake up in the clients or the
/// stand-ins, which would count as the apps' time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut stop_signals = match StopSignals::listen() {
        Ok(signals) => signals,
        Err(error) => return failure(&format!("signals cannot be received: {error}")),
    };
    // Ctrl-C and SIGTERM end the run and clean up.
    let outcome = tokio::select! {
        outcome = run(BenchOptions::parse()) => outcome,
        () = stop_signals.next() => Err("stopped while measuring".to_owned()),
    };
    outcome.map_or_else(|message| failure(&message), |()| ExitCode::SUCCESS)
}

fn failure(message: &str) -> ExitCode {
    eprintln!("bench: {message}");
    ExitCode::FAILURE
}

/// Measures, prints, and writes `target/bench/latest.json`; a comparison is only printed.
async fn run(options: BenchOptions) -> Result<(), String> {
    if let Some(older) = &options.against {
        return comparison::run(&options.functions, older, options.scale()).await;
    }
    let mut bench = Bench::start(options).await?;
    if bench.options.register {
        bench.measure_register().await?;
        return bench.finish();
    }
    bench.measure_idle_memory().await?;
    bench.measure_starts().await?;
    let data = bench.measure_memory_under_load().await?;
    bench.count_database_operations(&data).await?;
    bench.measure_baseline().await?;
    bench.measure_entry_points(&data).await?;
    bench.measure_telemetry(&data).await?;
    bench.measure_refusals().await?;
    bench.measure_fairness().await?;
    bench.measure_growth().await?;
    bench.measure_register().await?;
    bench.finish()
}

impl BenchOptions {
    fn scale(&self) -> &'static Scale {
        if self.quick { &QUICK } else { &FULL }
    }
}

impl Bench {
    async fn start(options: BenchOptions) -> Result<Self, String> {
        let report = Report {
            quick: options.quick,
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            load_average: std::fs::read_to_string("/proc/loadavg").unwrap_or_default(),
            data: std::env::temp_dir().display().to_string(),
            figures: Vec::new(),
            rows: Vec::new(),
            refusals: Vec::new(),
            fairness: Vec::new(),
            growth: Vec::new(),
            register: Vec::new(),
            failures: load::Failures::default(),
        };
        println!("Starting mongod (data in {}), both apps and the gateway …", report.data);
        println!("{} processors, load average {}", report.processors, report.load_average.trim());
        let system = System::start(&options.functions, None).await?;
        let scale = options.scale();
        Ok(Self { options, scale, system, report })
    }

    fn finish(mut self) -> Result<(), String> {
        let resident = self.resident_mib()?;
        for (app, name) in ["patient app", "audit app"].into_iter().enumerate() {
            let name = format!("resident at most, 64 callers included, {name}");
            self.report.figures.push(Figure::new(name, "MiB", resident[app].1));
        }
        let from_rows = figures::from_rows(&self.report);
        self.report.figures.extend(from_rows);
        figures::print(&self.report.figures);
        self.report.write(Path::new(OUTPUT)).map_err(|error| format!("{OUTPUT}: {error}"))?;
        println!("\nEverything is in {OUTPUT}.");
        self.report.failures.check()
    }
}
