//! Measures everything in one run: starts, sizes, memory, latency, throughput and CPU time.
//!
//! The figures are for reading: nothing is asserted, but a run with failed requests fails.

mod at_rest;
mod bodies;
mod client;
mod comparison;
mod connection;
mod doors;
mod fairness;
mod figures;
mod floor;
mod growth;
mod load;
mod payload;
mod process;
mod refusals;
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

/// How many there are where only one number is of interest.
const CALLERS_TYPICAL: usize = 16;

/// So many that a search finds a full page.
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
    /// Takes less time, for a rough idea
    #[arg(long)]
    quick: bool,
}

/// How much of everything.
struct Extent {
    starts: usize,
    /// Patients that are loaded and searched.
    seeded: usize,
    /// Before memory is looked at again; the seeded ones count.
    requests: usize,
    /// Of the collection in which patients are loaded and searched.
    sizes: &'static [usize],
    timing: Timing,
    /// Large bodies of each kind.
    refusals: usize,
    /// Of a small request beside large ones.
    beside: Timing,
}

const QUICK: Extent = Extent {
    starts: 5,
    seeded: 2_000,
    requests: 8_000,
    sizes: &[1_000, 10_000],
    timing: Timing { warm_up: Duration::from_millis(150), measured: Duration::from_millis(400) },
    refusals: 5,
    beside: Timing { warm_up: Duration::from_secs(2), measured: Duration::from_secs(8) },
};

const FULL: Extent = Extent {
    starts: 15,
    seeded: 10_000,
    requests: 100_000,
    sizes: &[1_000, 10_000, 100_000, 1_000_000],
    timing: Timing { warm_up: Duration::from_millis(500), measured: Duration::from_secs(2) },
    refusals: 40,
    beside: Timing { warm_up: Duration::from_secs(5), measured: Duration::from_secs(40) },
};

/// One run, on its way.
struct Bench {
    options: BenchOptions,
    extent: &'static Extent,
    system: System,
    report: Report,
}

/// It has one thread, so that no request waits for a second one to wake up, in the callers or in
/// the stand-ins between two apps: that would be counted as the apps' own time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut stop_signals = match StopSignals::listen() {
        Ok(signals) => signals,
        Err(error) => return failure(&format!("signals cannot be received: {error}")),
    };
    // Ctrl-C and SIGTERM end it, and leave nothing behind.
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
        return comparison::run(&options.functions, older, options.extent()).await;
    }
    let mut bench = Bench::start(options).await?;
    bench.measure_idle_memory().await?;
    bench.measure_starts().await?;
    let known = bench.measure_memory_under_load().await?;
    bench.count_database_operations(&known).await?;
    bench.measure_floor().await?;
    bench.measure_doors(&known).await?;
    bench.measure_telemetry(&known).await?;
    bench.measure_refusals().await?;
    bench.measure_fairness().await?;
    bench.measure_growth().await?;
    bench.finish()
}

impl BenchOptions {
    fn extent(&self) -> &'static Extent {
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
            failures: load::Failures::default(),
        };
        println!("Starting mongod (data in {}), both apps and the gateway …", report.data);
        println!("{} processors, load average {}", report.processors, report.load_average.trim());
        let system = System::start(&options.functions, None).await?;
        let extent = options.extent();
        Ok(Self { options, extent, system, report })
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
