//! Whether a small request is served promptly while many clients send large ones.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use mongodb::bson::{Document, doc};
use serde::Serialize;
use tokio::time::Instant;
use uuid::Uuid;

use super::baseline::connect;
use super::bodies;
use super::client::{Client, Repeating, Task, send};
use super::comparison::Build;
use super::figures::{Figure, MIB};
use super::process::{self, Processes};
use super::request::{EntryPoint, Request};
use super::system::{PATIENT_DATABASE, message};
use super::{Bench, CALLERS_TYPICAL, load};

/// The number of clients whose large bodies are refused.
const REFUSED_CALLERS: usize = 64;

/// The number and size of large tests of one patient.
const LARGE_TESTS: usize = 100;
const LARGE_TEST_BYTES: usize = 1_000_000;

/// The target for the 99th percentile of the small request.
const P99_MAX_MS: f64 = 1000.0;

const RESIDENT_MAX_MIB: f64 = 256.0;
const RESIDENT_IDLE_MAX_MIB: f64 = 64.0;

/// How long the app may take to release memory, and the interval of checks.
const RELEASE_LIMIT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The latency of small requests during large ones.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MixedLoad {
    /// The kind of large request.
    large: &'static str,
    entry_point: &'static str,
    callers: usize,
    /// Large requests that got a response; `shed` counts those that the host refused.
    responses: u64,
    shed: u64,
    largest_response_mib: f64,
    small_requests: usize,
    small_p50_ms: f64,
    small_p99_ms: f64,
    /// The peak memory of the patient app since its start, and its memory when idle again.
    resident_max_mib: f64,
    resident_idle_mib: f64,
}

impl Bench {
    /// Measures during large bodies at the handler, which is the app alone, and through the host,
    /// which may refuse requests; then during large pages through the host.
    pub(crate) async fn measure_fairness(&mut self) -> Result<(), String> {
        print_heading();
        let build = Build::start(&self.options.functions, self.scale).await?;
        let refused = bodies::unknown_members();
        let bodies = "refused bodies";
        let at_handler = self
            .measure_mixed_load(bodies, REFUSED_CALLERS, &refused, EntryPoint::Handler, &build)
            .await?;
        let through_host = self
            .measure_mixed_load(bodies, REFUSED_CALLERS, &refused, EntryPoint::Host, &build)
            .await?;
        // A new process, to measure its memory.
        let build = Build::start(&self.options.functions, self.scale).await?;
        let first = store_large_tests(&build).await?;
        let pages = "pages of large tests";
        let paging = self
            .measure_mixed_load(pages, CALLERS_TYPICAL, &first, EntryPoint::Host, &build)
            .await?;
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

    /// Runs this many clients with large requests and one with small requests.
    async fn measure_mixed_load(
        &mut self,
        large: &'static str,
        callers: usize,
        request: &Request,
        entry_point: EntryPoint,
        Build { system, data }: &Build,
    ) -> Result<MixedLoad, String> {
        let target = system.target(entry_point)?;
        let many = Repeating::several(callers, &target, request);
        let counts = many[0].counts();
        let one = Client::several(1, &target, Task::LoadPatient, data);
        let (timing, processes) = (self.scale.mixed, system.processes()?);
        let (many, one) = tokio::join!(
            load::measure(many, timing, processes),
            load::measure(one, timing, processes),
        );
        let [resident_max_mib, resident_idle_mib] = final_resident_mib(processes).await;
        let mixed_load = MixedLoad {
            large,
            entry_point: entry_point.name(),
            callers,
            responses: counts.responses.load(Relaxed),
            shed: counts.shed.load(Relaxed),
            largest_response_mib: counts.largest_response_bytes.load(Relaxed) as f64 / MIB,
            small_requests: one.requests(),
            small_p50_ms: one.percentile_us(0.5) / 1e3,
            small_p99_ms: one.percentile_us(0.99) / 1e3,
            resident_max_mib,
            resident_idle_mib,
        };
        mixed_load.print();
        self.report.fairness.push(mixed_load.clone());
        self.report.failures.merge(many.failures);
        self.report.failures.merge(one.failures);
        Ok(mixed_load)
    }
}

impl MixedLoad {
    fn figure(&self) -> Figure {
        let Self { callers, large, entry_point, .. } = self;
        let name =
            format!("p99 of LoadPatient next to {callers} callers of {large}, {entry_point}");
        Figure::new(name, "ms", self.small_p99_ms).target(P99_MAX_MS)
    }

    fn print(&self) {
        println!(
            "{:<20} {:<11} {:>7} {:>9} {:>6} {:>7.2} {:>8} {:>8.1} {:>8.1} {:>8.1} {:>8.1}",
            self.large,
            self.entry_point,
            self.callers,
            self.responses,
            self.shed,
            self.largest_response_mib,
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
        "\n{:<40} {:>24} {:>26} {:>17}",
        "", "large requests    ", "LoadPatient       ", "resident MiB  "
    );
    println!(
        "{:<20} {:<11} {:>7} {:>9} {:>6} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "kind of request",
        "entry point",
        "callers",
        "responses",
        "shed",
        "max MiB",
        "number",
        "p50 ms",
        "p99 ms",
        "at most",
        "idle"
    );
}

/// Stores many large tests of one patient, one of them through the API; returns the request for
/// their first page.
async fn store_large_tests(build: &Build) -> Result<Request, String> {
    let patient_id = build.data.ids.first().ok_or("there are no patients")?;
    let body = bodies::valid_test(LARGE_TEST_BYTES);
    let target = build.system.target(EntryPoint::Host)?;
    send(&mut None, &target, &Request::post_test(patient_id, body, 201)).await?;
    let client = connect(&build.system.connection_string).await?;
    let tests = client.database(PATIENT_DATABASE).collection::<Document>("tests");
    let pattern =
        tests.find_one(doc! {}).await.map_err(message)?.ok_or("the test is not stored")?;
    for _ in 1..LARGE_TESTS {
        let mut copy = pattern.clone();
        let id = Uuid::now_v7().to_string();
        copy.extend(doc! { "_id": &id, "id": id });
        tests.insert_one(copy).await.map_err(message)?;
    }
    Ok(Request::load_tests(patient_id))
}

/// The peak memory of the patient app, and its memory when it is idle again.
async fn final_resident_mib(Processes([patient_app, ..]): Processes) -> [f64; 2] {
    let until = Instant::now() + RELEASE_LIMIT;
    loop {
        let (now, most) = process::resident_bytes(patient_app).unwrap_or_default();
        let [now, most] = [now, most].map(|bytes| bytes as f64 / MIB);
        if now <= RESIDENT_IDLE_MAX_MIB || Instant::now() > until {
            return [most, now];
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
