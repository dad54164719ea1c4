//! Compares two builds of the apps in alternating rounds, since the machine's speed changes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::baseline::{Baseline, Operation, stored_patients};
use super::client::{Client, SEARCHED_POST_CODES, Task, TestData};
use super::load::{self, Caller, CpuUsage, Measured, Timing};
use super::request::EntryPoint;
use super::system::System;
use super::{CALLERS_TYPICAL, Scale};

/// The number of rounds.
const ROUNDS: usize = 6;

/// A build of both apps, with its own database.
pub(crate) struct Build {
    pub(crate) system: System,
    pub(crate) data: Arc<TestData>,
}

/// The measurements of all rounds.
#[derive(Default)]
struct Rounds {
    medians_us: Vec<f64>,
    cpu: CpuUsage,
}

/// Measures both builds and the baseline, and prints their ratios.
pub(crate) async fn run(newer: &Path, older: &Path, scale: &Scale) -> Result<(), String> {
    println!("Starting mongod, both apps and their hosts, of either build …");
    let builds = [Build::start(newer, scale).await?, Build::start(older, scale).await?];
    // The baseline has a database that neither build shares.
    let reference = Build::start(newer, scale).await?;
    let baseline = Arc::new(Baseline::prepare(&reference.system, newer, scale.seeded).await?);
    println!(
        "\n{:<16} {:>7} {:>27} {:>8} {:>9} {:>26} {:>8} {:>8}",
        "", "", "median ms        ", "newer", "newer", "CPU µs of both apps     ", "newer", "newer"
    );
    println!(
        "{:<16} {:>7} {:>9} {:>8} {:>8} {:>8} {:>9} {:>9} {:>8} {:>7} {:>8} {:>8}",
        "operation",
        "callers",
        "baseline",
        "older",
        "newer",
        "÷older",
        "÷baseline",
        "driver *",
        "older",
        "newer",
        "÷older",
        "÷driver"
    );
    for task in [Task::CreatePatient, Task::LoadPatient, Task::UpdatePatient] {
        for callers in [1, CALLERS_TYPICAL] {
            compare(&builds, &reference, &baseline, task, callers, scale.timing).await?;
        }
    }
    println!("* the raw driver doing the same two operations, on a database of its own");
    Ok(())
}

async fn compare(
    [newer, older]: &[Build; 2],
    reference: &Build,
    baseline: &Arc<Baseline>,
    task: Task,
    callers: usize,
    timing: Timing,
) -> Result<(), String> {
    let operation = Operation::needed_by(task);
    let [mut driver, mut hop, mut newer_rounds, mut older_rounds] =
        [(); 4].map(|()| Rounds::default());
    for round in 0..ROUNDS {
        if let Some(operation) = operation {
            for (rounds, operation) in [(&mut driver, operation), (&mut hop, Operation::Hop)] {
                let measured = reference.measure(baseline.callers(callers, operation), timing);
                rounds.add(&measured.await?, Measured::cpu_of_bench);
            }
        }
        let mut builds = [(newer, &mut newer_rounds), (older, &mut older_rounds)];
        if round % 2 == 1 {
            builds.reverse();
        }
        for (build, rounds) in builds {
            let target = build.system.target(EntryPoint::Handler)?;
            let clients = Client::several(callers, &target, task, &build.data);
            rounds.add(&build.measure(clients, timing).await?, Measured::cpu_of_handlers);
        }
    }
    let baseline_us = driver.median_us() + hop.median_us();
    println!(
        "{:<16} {callers:>7} {:>9} {:>8.2} {:>8.2} {:>8.2} {:>9} {:>9} {:>8.0} {:>7.0} {:>8.2} {:>8}",
        task.name(),
        if_measured(baseline_us / 1e3, 2),
        older_rounds.median_us() / 1e3,
        newer_rounds.median_us() / 1e3,
        newer_rounds.median_us() / older_rounds.median_us(),
        if_measured(newer_rounds.median_us() / baseline_us, 2),
        if_measured(driver.cpu.cpu_us_per_request(), 0),
        older_rounds.cpu.cpu_us_per_request(),
        newer_rounds.cpu.cpu_us_per_request(),
        newer_rounds.cpu.cpu_us_per_request() / older_rounds.cpu.cpu_us_per_request(),
        if_measured(newer_rounds.cpu.cpu_us_per_request() / driver.cpu.cpu_us_per_request(), 2),
    );
    Ok(())
}

/// A figure with these decimals, or a dash if the task has no baseline.
fn if_measured(figure: f64, decimals: usize) -> String {
    if figure.is_nan() { "–".to_owned() } else { format!("{figure:.decimals$}") }
}

impl Build {
    pub(crate) async fn start(functions: &Path, scale: &Scale) -> Result<Self, String> {
        let system = System::start(functions, None).await?;
        system.smoke_test().await?;
        let no_patients =
            Arc::new(TestData { post_codes: 0..SEARCHED_POST_CODES, ..TestData::default() });
        let target = system.target(EntryPoint::Handler)?;
        let seeding = Client::several(CALLERS_TYPICAL, &target, Task::Seed, &no_patients);
        load::repeat(seeding, scale.seeded / CALLERS_TYPICAL).await.check()?;
        let ids = stored_patients(&system.connection_string, scale.seeded).await?;
        let data =
            Arc::new(TestData { post_codes: 0..SEARCHED_POST_CODES, ids, ..TestData::default() });
        Ok(Self { system, data })
    }

    async fn measure<C: Caller>(
        &self,
        callers: Vec<C>,
        timing: Timing,
    ) -> Result<Measured, String> {
        let measured = load::measure(callers, timing, self.system.processes()?).await;
        measured.failures.check()?;
        Ok(measured)
    }
}

impl Rounds {
    fn add(&mut self, measured: &Measured, cpu: impl Fn(&Measured) -> Duration) {
        self.medians_us.push(measured.percentile_us(0.5));
        self.cpu.add(measured, cpu(measured));
    }

    /// The median of the rounds, so that a disturbed round does not count.
    fn median_us(&self) -> f64 {
        load::median(self.medians_us.clone())
    }
}
