//! Whether a small request is served while many callers ask for all that they can get.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use mongodb::bson::{Document, doc};
use serde::Serialize;
use tokio::time::Instant;
use uuid::Uuid;

use super::bodies;
use super::client::{Client, Repeating, Task, send};
use super::comparison::Build;
use super::figures::{Figure, MIB};
use super::floor::connect;
use super::process::{self, Processes};
use super::request::{Door, Request};
use super::system::{PATIENT_DATABASE, text};
use super::{Bench, CALLERS_TYPICAL, load};

/// Callers whose large bodies are refused.
const REFUSED_CALLERS: usize = 64;

/// What a patient has of tests that are each nearly as large as a test may be.
const LARGE_TESTS: usize = 100;
const LARGE_TEST_BYTES: usize = 1_000_000;

/// The small request's 99th percentile.
const P99_MAX_MS: f64 = 1000.0;

const RESIDENT_MAX_MIB: f64 = 256.0;
const RESIDENT_IDLE_MAX_MIB: f64 = 64.0;

/// How long memory may take to be given back, and how often we look.
const GIVING_BACK_TIME_MAX: Duration = Duration::from_secs(10);
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// A small request beside large ones.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Beside {
    /// What the large ones were.
    large: &'static str,
    door: &'static str,
    callers: usize,
    /// Of the large ones, as `shed`: how many the host turned away.
    answered: u64,
    shed: u64,
    largest_answer_mib: f64,
    small_requests: usize,
    small_p50_ms: f64,
    small_p99_ms: f64,
    /// Of the patient app since its start, and when it had nothing to do any more.
    resident_max_mib: f64,
    resident_idle_mib: f64,
}

impl Bench {
    /// Beside large bodies at the handler, which is the app alone, and through the host, which may
    /// turn callers away; beside large pages through the host.
    pub(crate) async fn measure_fairness(&mut self) -> Result<(), String> {
        print_heading();
        let build = Build::start(&self.options.functions, self.extent).await?;
        let refused = bodies::unknown_members();
        let bodies = "refused bodies";
        let at_handler =
            self.measure_beside(bodies, REFUSED_CALLERS, &refused, Door::Handler, &build).await?;
        let through_host =
            self.measure_beside(bodies, REFUSED_CALLERS, &refused, Door::Host, &build).await?;
        // Another process, for the sake of its memory.
        let build = Build::start(&self.options.functions, self.extent).await?;
        let first = store_large_tests(&build).await?;
        let pages = "pages of large tests";
        let paging =
            self.measure_beside(pages, CALLERS_TYPICAL, &first, Door::Host, &build).await?;
        self.report.figures.extend([
            at_handler.figure(),
            through_host.figure(),
            paging.figure(),
            Figure::new("  resident at most, meanwhile", "MiB", paging.resident_max_mib)
                .target(RESIDENT_MAX_MIB),
            Figure::new("  resident when idle again", "MiB", paging.resident_idle_mib)
                .target(RESIDENT_IDLE_MAX_MIB),
        ]);
        Ok(())
    }

    /// Lets so many callers ask for what is large, and one for what is small.
    async fn measure_beside(
        &mut self,
        large: &'static str,
        callers: usize,
        request: &Request,
        door: Door,
        Build { system, known }: &Build,
    ) -> Result<Beside, String> {
        let entrance = system.entrance(door)?;
        let many = Repeating::several(callers, &entrance, request);
        let seen = many[0].seen();
        let one = Client::several(1, &entrance, Task::LoadPatient, known);
        let (timing, processes) = (self.extent.beside, system.processes()?);
        let (many, one) = tokio::join!(
            load::measure(many, timing, processes),
            load::measure(one, timing, processes),
        );
        let [resident_max_mib, resident_idle_mib] = resident_mib_in_the_end(processes).await;
        let beside = Beside {
            large,
            door: door.name(),
            callers,
            answered: seen.answered.load(Relaxed),
            shed: seen.shed.load(Relaxed),
            largest_answer_mib: seen.largest_response_bytes.load(Relaxed) as f64 / MIB,
            small_requests: one.requests(),
            small_p50_ms: one.percentile_us(0.5) / 1e3,
            small_p99_ms: one.percentile_us(0.99) / 1e3,
            resident_max_mib,
            resident_idle_mib,
        };
        beside.print();
        self.report.fairness.push(beside.clone());
        self.report.failures.merge(many.failures);
        self.report.failures.merge(one.failures);
        Ok(beside)
    }
}

impl Beside {
    fn figure(&self) -> Figure {
        let Self { callers, large, door, .. } = self;
        let name = format!("p99 of LoadPatient beside {callers} callers of {large}, {door}");
        Figure::new(name, "ms", self.small_p99_ms).target(P99_MAX_MS)
    }

    fn print(&self) {
        println!(
            "{:<20} {:<8} {:>3} {:>8} {:>6} {:>7.2} {:>8} {:>8.1} {:>8.1} {:>8.1} {:>8.1}",
            self.large,
            self.door,
            self.callers,
            self.answered,
            self.shed,
            self.largest_answer_mib,
            self.small_requests,
            self.small_p50_ms,
            self.small_p99_ms,
            self.resident_max_mib,
            self.resident_idle_mib,
        );
    }
}

fn print_heading() {
    println!(
        "\n{:<33} {:>23} {:>26} {:>17}",
        "", "large requests    ", "LoadPatient       ", "resident MiB  "
    );
    println!(
        "{:<20} {:<8} {:>3} {:>8} {:>6} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "a small one beside",
        "door",
        "at",
        "answered",
        "shed",
        "max MiB",
        "number",
        "p50 ms",
        "p99 ms",
        "at most",
        "idle"
    );
}

/// Gives one patient many large tests, of which one goes the way of every test; the request for
/// the first page of them.
async fn store_large_tests(build: &Build) -> Result<Request, String> {
    let patient_id = build.known.ids.first().ok_or("there are no patients")?;
    let body = bodies::legal_test(LARGE_TEST_BYTES);
    let entrance = build.system.entrance(Door::Host)?;
    send(&mut None, &entrance, &Request::post_test(patient_id, body, 201)).await?;
    let client = connect(&build.system.connection_string).await?;
    let tests = client.database(PATIENT_DATABASE).collection::<Document>("tests");
    let pattern = tests.find_one(doc! {}).await.map_err(text)?.ok_or("the test is not stored")?;
    for _ in 1..LARGE_TESTS {
        let mut copy = pattern.clone();
        let id = Uuid::now_v7().to_string();
        copy.extend(doc! { "_id": &id, "id": id });
        tests.insert_one(copy).await.map_err(text)?;
    }
    Ok(Request::load_tests(patient_id))
}

/// The most memory that the patient app has ever had, and what it has left when it is idle.
async fn resident_mib_in_the_end(Processes([patient_app, ..]): Processes) -> [f64; 2] {
    let until = Instant::now() + GIVING_BACK_TIME_MAX;
    loop {
        let (now, most) = process::resident_bytes(patient_app).unwrap_or_default();
        let [now, most] = [now, most].map(|bytes| bytes as f64 / MIB);
        if now <= RESIDENT_IDLE_MAX_MIB || Instant::now() > until {
            return [most, now];
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}
