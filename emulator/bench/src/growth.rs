//! The cost of loading and searching as the collection grows.

use std::sync::Arc;

use mongodb::bson::{Document, doc};
use serde::Serialize;

use super::baseline::{self, copy};
use super::client::{Client, Task, TestData};
use super::figures::Figure;
use super::load;
use super::request::{EntryPoint, PATIENTS_PER_NAME};
use super::system::{PATIENT_DATABASE, System, message};
use super::{Bench, CALLERS_TYPICAL, PATIENTS_PER_POST_CODE};

/// The size of one insert.
const PORTION: usize = 10_000;

/// The number of patients that are loaded and of post codes that are searched. It is the same for
/// any collection size, so that they fit in mongod's memory and only the size differs.
const LOADED: usize = 1_000;
const SEARCHED: usize = 8;

const TASKS: [Task; 3] = [Task::LoadPatient, Task::SearchPatient, Task::SearchByName];

/// The field for case-insensitive search by last name.
const FOLDED: &str = "_lastNameFolded";

/// Warm-up requests that load them into memory.
const WARM_UP: usize = 5 * LOADED;

/// The largest allowed growth of the median from the smallest collection to the largest.
const GROWTH_MAX: f64 = 1.3;

/// One operation at one collection size.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GrowthPoint {
    pub(crate) operation: &'static str,
    pub(crate) patients: usize,
    pub(crate) p50_us: f64,
    p99_us: f64,
    /// CPU time of mongod per request.
    mongod_cpu_us: f64,
}

impl Bench {
    /// Measures with one client at the handler of a separate system.
    pub(crate) async fn measure_growth(&mut self) -> Result<(), String> {
        let system = System::start(&self.options.functions, None).await?;
        system.smoke_test().await?;
        let client = baseline::connect(&system.connection_string).await?;
        let patients = client.database(PATIENT_DATABASE).collection::<Document>("patients");
        let pattern = patients.find_one(doc! {}).await.map_err(message)?;
        let pattern = pattern.ok_or("nothing is stored")?;
        println!("\nLoading and searching in growing collections …");
        println!(
            "{:<16} {:>9} {:>8} {:>8} {:>10}",
            "operation", "patients", "p50 ms", "p99 ms", "mongod µs"
        );
        let mut stored = 0;
        let mut ids = Vec::new();
        for &size in self.scale.sizes {
            while stored < size {
                let portion = PORTION.min(size - stored);
                let copies: Vec<_> = (stored..stored + portion)
                    .map(|number| numbered_copy(&pattern, number))
                    .collect();
                let documents = copies.iter().map(|(_, copy)| copy);
                patients.insert_many(documents).await.map_err(message)?;
                ids.extend(copies.into_iter().map(|(id, _)| id));
                stored += portion;
            }
            baseline::flush(&client).await?;
            fastrand::shuffle(&mut ids);
            let post_codes = SEARCHED.min(stored / PATIENTS_PER_POST_CODE);
            let post_codes = 0..u32::try_from(post_codes).map_err(message)?;
            let ids = ids.iter().take(LOADED).cloned().collect();
            let names = (0..LOADED).map(|_| names(&pattern, fastrand::usize(..stored)));
            let data = Arc::new(TestData { post_codes, ids, names: names.collect() });
            for task in TASKS {
                self.measure_among(&system, size, task, &data).await?;
            }
        }
        self.compare_sizes();
        Ok(())
    }

    async fn measure_among(
        &mut self,
        system: &System,
        patients: usize,
        task: Task,
        data: &Arc<TestData>,
    ) -> Result<(), String> {
        let target = system.target(EntryPoint::Handler)?;
        let callers = Client::several(CALLERS_TYPICAL, &target, task, data);
        self.report.failures.merge(load::repeat(callers, WARM_UP / CALLERS_TYPICAL).await);
        let callers = Client::several(1, &target, task, data);
        let measured = load::measure(callers, self.scale.timing, system.processes()?).await;
        let [.., mongod_cpu_us] = measured.cpu_us();
        let point = GrowthPoint {
            operation: task.name(),
            patients,
            p50_us: measured.percentile_us(0.5),
            p99_us: measured.percentile_us(0.99),
            mongod_cpu_us,
        };
        println!(
            "{:<16} {patients:>9} {:>8.2} {:>8.2} {mongod_cpu_us:>10.0}",
            point.operation,
            point.p50_us / 1e3,
            point.p99_us / 1e3,
        );
        self.report.growth.push(point);
        self.report.failures.merge(measured.failures);
        Ok(())
    }

    fn compare_sizes(&mut self) {
        for task in TASKS {
            let of_task = |point: &&GrowthPoint| point.operation == task.name();
            let mut points = self.report.growth.iter().filter(of_task);
            if let (Some(first), Some(last)) = (points.next(), points.next_back()) {
                let (few, many) = (first.patients, last.patients);
                let name =
                    format!("median of {} with {many} patients relative to {few}", task.name());
                let figure = Figure::new(name, "×", last.p50_us / first.p50_us);
                self.report.figures.push(figure.target(GROWTH_MAX));
            }
        }
    }
}

/// A copy whose post code fills a page of a search, whose last name is shared by few, and whose
/// first name by all.
fn numbered_copy(pattern: &Document, number: usize) -> (String, Document) {
    let (id, mut copy) = copy(pattern);
    copy.insert("postCode", format!("{:04}", number / PATIENTS_PER_POST_CODE));
    let last_name = last_name(number);
    if copy.contains_key(FOLDED) {
        copy.insert(FOLDED, last_name.to_lowercase());
    }
    copy.insert("lastName", last_name);
    (id, copy)
}

fn last_name(number: usize) -> String {
    format!("Name{}", number / PATIENTS_PER_NAME)
}

/// The names of this copy, in another case if the search is case-insensitive.
fn names(pattern: &Document, number: usize) -> [String; 2] {
    let names = [pattern.get_str("firstName").unwrap_or_default(), &last_name(number)];
    let is_folded = pattern.contains_key(FOLDED);
    names.map(|name| if is_folded { name.to_uppercase() } else { name.to_owned() })
}
