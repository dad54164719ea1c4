//! Two builds of the apps beside each other, in turn, since the machine's speed changes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::client::{Client, Known, SEARCHED_POST_CODES, Task};
use super::floor::{Floor, Operation, stored_patients};
use super::load::{self, Caller, Measured, Spent, Timing};
use super::request::Door;
use super::system::System;
use super::{CALLERS_TYPICAL, Extent};

/// How often everything has its turn.
const TURNS: usize = 6;

/// One build of both apps, with a database of its own.
pub(crate) struct Build {
    pub(crate) system: System,
    pub(crate) known: Arc<Known>,
}

/// What all turns of one phase have shown.
#[derive(Default)]
struct Turns {
    medians_us: Vec<f64>,
    spent: Spent,
}

/// Measures both builds and the floor, and prints their ratios.
pub(crate) async fn run(newer: &Path, older: &Path, extent: &Extent) -> Result<(), String> {
    println!("Starting mongod, both apps and their hosts, of either build …");
    let builds = [Build::start(newer, extent).await?, Build::start(older, extent).await?];
    // On a database of its own, which neither build has to share.
    let beside = Build::start(newer, extent).await?;
    let floor = Arc::new(Floor::prepare(&beside.system, newer, extent.seeded).await?);
    println!(
        "\n{:<16} {:>4} {:>27} {:>8} {:>8} {:>26} {:>8} {:>8}",
        "", "", "median ms        ", "newer", "newer", "CPU µs of both apps     ", "newer", "newer"
    );
    println!(
        "{:<16} {:>4} {:>9} {:>8} {:>8} {:>8} {:>8} {:>9} {:>8} {:>7} {:>8} {:>8}",
        "operation",
        "at",
        "floor",
        "older",
        "newer",
        "÷older",
        "÷floor",
        "driver *",
        "older",
        "newer",
        "÷older",
        "÷driver"
    );
    for task in [Task::CreatePatient, Task::LoadPatient] {
        for callers in [1, CALLERS_TYPICAL] {
            compare(&builds, &beside, &floor, task, callers, extent.timing).await?;
        }
    }
    println!("* the raw driver doing the same two operations, on a database of its own");
    Ok(())
}

async fn compare(
    [newer, older]: &[Build; 2],
    beside: &Build,
    floor: &Arc<Floor>,
    task: Task,
    callers: usize,
    timing: Timing,
) -> Result<(), String> {
    let operation = Operation::needed_by(task).ok_or("nothing to compare with")?;
    let [mut driver, mut hop, mut of_newer, mut of_older] = [(); 4].map(|()| Turns::default());
    for turn in 0..TURNS {
        driver.add(
            &beside.measure(floor.callers(callers, operation), timing).await?,
            Measured::cpu_of_bench,
        );
        hop.add(
            &beside.measure(floor.callers(callers, Operation::Hop), timing).await?,
            Measured::cpu_of_bench,
        );
        let mut builds = [(newer, &mut of_newer), (older, &mut of_older)];
        if turn % 2 == 1 {
            builds.reverse();
        }
        for (build, turns) in builds {
            let entrance = build.system.entrance(Door::Handler)?;
            let clients = Client::several(callers, &entrance, task, &build.known);
            turns.add(&build.measure(clients, timing).await?, Measured::cpu_of_handlers);
        }
    }
    let floor_us = driver.median_us() + hop.median_us();
    println!(
        "{:<16} {callers:>4} {:>9.2} {:>8.2} {:>8.2} {:>8.2} {:>8.2} {:>9.0} {:>8.0} {:>7.0} {:>8.2} {:>8.2}",
        task.name(),
        floor_us / 1e3,
        of_older.median_us() / 1e3,
        of_newer.median_us() / 1e3,
        of_newer.median_us() / of_older.median_us(),
        of_newer.median_us() / floor_us,
        driver.spent.cpu_us_per_request(),
        of_older.spent.cpu_us_per_request(),
        of_newer.spent.cpu_us_per_request(),
        of_newer.spent.cpu_us_per_request() / of_older.spent.cpu_us_per_request(),
        of_newer.spent.cpu_us_per_request() / driver.spent.cpu_us_per_request(),
    );
    Ok(())
}

impl Build {
    pub(crate) async fn start(functions: &Path, extent: &Extent) -> Result<Self, String> {
        let system = System::start(functions, None).await?;
        system.try_out().await?;
        let nobody = Arc::new(Known { post_codes: 0..SEARCHED_POST_CODES, ..Known::default() });
        let entrance = system.entrance(Door::Handler)?;
        let seeding = Client::several(CALLERS_TYPICAL, &entrance, Task::Seed, &nobody);
        load::repeat(seeding, extent.seeded / CALLERS_TYPICAL).await.check()?;
        let ids = stored_patients(&system.connection_string, extent.seeded).await?;
        let known = Arc::new(Known { post_codes: 0..SEARCHED_POST_CODES, ids, ..Known::default() });
        Ok(Self { system, known })
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

impl Turns {
    fn add(&mut self, measured: &Measured, cpu: impl Fn(&Measured) -> Duration) {
        self.medians_us.push(measured.percentile_us(0.5));
        self.spent.add(measured, cpu(measured));
    }

    /// That of the turn in the middle, so that one which was disturbed does not count.
    fn median_us(&self) -> f64 {
        let mut medians_us = self.medians_us.clone();
        medians_us.sort_by(f64::total_cmp);
        medians_us.get(medians_us.len() / 2).copied().unwrap_or(f64::NAN)
    }
}
