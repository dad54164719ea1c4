//! The cost of the audit register: reading one patient's access log among ever more records, and
//! creating a record with all indexes.

use std::time::Duration;

use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::{Client, Collection};
use serde::Serialize;
use stand_ins::mongo::{self, CollectionPlan, Index};
use uuid::Uuid;

use super::baseline::{self, copy};
use super::client::send;
use super::figures::Figure;
use super::load::{self, Caller, CpuUsage, Timing};
use super::request::{EntryPoint, Request};
use super::system::{AUDIT_APP, AUDIT_DATABASE, System, as_i64, collections, executable, message};
use super::{Bench, CALLERS_TYPICAL};

/// The size of one insert.
const PORTION: usize = 10_000;

/// The number of patients whose log is read, and of lines in each of their logs.
const READ: usize = 20;
const LINES: usize = 200;

/// The average number of records per patient.
const RECORDS_PER_PATIENT: usize = 20;

/// One record of this many is that of a search, which disclosed this many patients.
const SEARCHES: usize = 10;
const FOUND: usize = 10;

/// The number of ids in the record of a full page.
const PAGE: usize = 100;

/// How often each log is read.
const READINGS: usize = 5;

/// The longest median of the database time of one log.
const DATABASE_MS_MAX: f64 = 5.0;

/// The largest growth of that median from the smallest register to the largest.
const GROWTH_MAX: f64 = 1.3;

/// The indexes of audit records before the register could be searched.
const EARLIER_INDEXES: [&str; 3] = ["createdDate", "resource.id", "resource.patientId"];

/// The largest CPU time of mongod for a record, relative to that with the earlier indexes.
const INDEXES_MAX: f64 = 1.15;

/// How often the inserts with either indexes are measured, in turn.
const ROUNDS: usize = 6;

/// The number of records before they are measured.
const STORED: usize = 20_000;

/// Reading access logs in a register of one size.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RegisterPoint {
    records: usize,
    /// The median of the time that mongod needs for all reads of one log.
    database_us: f64,
    /// The median of the whole request.
    p50_us: f64,
}

/// A client that inserts copies of a record.
struct Inserting {
    records: Collection<Document>,
    pattern: Document,
}

impl Bench {
    /// Measures with one client at the handler of a separate system, and the inserts with the driver.
    pub(crate) async fn measure_register(&mut self) -> Result<(), String> {
        let system = System::start(&self.options.functions, None).await?;
        system.smoke_test().await?;
        let client = baseline::connect(&system.connection_string).await?;
        self.measure_logs(&system, &client).await?;
        self.measure_inserts(&system, &client).await
    }

    async fn measure_logs(&mut self, system: &System, client: &Client) -> Result<(), String> {
        let records = client.database(AUDIT_DATABASE).collection::<Document>("audits");
        let patients: Vec<_> = (0..READ).map(|_| Uuid::now_v7().to_string()).collect();
        let mut others = Vec::new();
        let mut stored = 0;
        println!("\nReading access logs of {LINES} lines in a growing register …");
        println!("{:>9} {:>12} {:>8}", "records", "database ms", "p50 ms");
        for &size in self.scale.registers {
            // A register of each size has the lines of these patients among those of others.
            let patients_of_size = size / RECORDS_PER_PATIENT;
            others.resize_with(patients_of_size, || Uuid::now_v7().to_string());
            while stored < size {
                let portion = PORTION.min(size - stored);
                let numbers = stored..stored + portion;
                let copies = numbers.map(|number| match patients.get(number / LINES) {
                    Some(patient) => read_of(patient, number),
                    None => record_of_others(&others, number),
                });
                let copies: Vec<_> = copies.collect();
                records.insert_many(&copies).await.map_err(message)?;
                stored += portion;
            }
            baseline::flush(client).await?;
            self.measure_logs_among(system, client, size, &patients).await?;
        }
        self.judge_logs();
        Ok(())
    }

    async fn measure_logs_among(
        &mut self,
        system: &System,
        client: &Client,
        records: usize,
        patients: &[String],
    ) -> Result<(), String> {
        let target = system.target(EntryPoint::Handler)?;
        let mut connection = None;
        let (mut database_us, mut whole_us) = (Vec::new(), Vec::new());
        for reading in 0..=READINGS {
            for patient in patients {
                let request = Request::load_access_log(patient, LINES);
                let before = read_time_us(client).await?;
                let sent = std::time::Instant::now();
                send(&mut connection, &target, &request).await?;
                let took = sent.elapsed();
                // The first reading loads the records into memory.
                if reading > 0 {
                    whole_us.push(took.as_secs_f64() * 1e6);
                    database_us.push(read_time_us(client).await? - before);
                }
            }
        }
        let point = RegisterPoint {
            records,
            database_us: load::median(database_us),
            p50_us: load::median(whole_us),
        };
        println!("{records:>9} {:>12.2} {:>8.2}", point.database_us / 1e3, point.p50_us / 1e3);
        self.report.register.push(point);
        Ok(())
    }

    fn judge_logs(&mut self) {
        let points = &self.report.register;
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
        let (few, many) = (first.records, last.records);
        let name = format!("database time of a log of {LINES} lines among {many} records, median");
        let time = Figure::new(name, "ms", last.database_us / 1e3).target(DATABASE_MS_MAX);
        let name = format!("  relative to {few} records");
        let growth = Figure::new(name, "×", last.database_us / first.database_us);
        self.report.figures.extend([time, growth.target(GROWTH_MAX)]);
    }

    /// Compares mongod's CPU time for a record with that of the earlier indexes.
    async fn measure_inserts(&mut self, system: &System, client: &Client) -> Result<(), String> {
        let today = collections(&executable(&self.options.functions, AUDIT_APP)).await?;
        let today = today.into_iter().find(|plan| plan.name == "audits").ok_or("no audits")?;
        let earlier = CollectionPlan {
            name: "earlier".to_owned(),
            indexes: EARLIER_INDEXES.map(|field| Index::Field(field.to_owned())).into(),
            ..today.clone()
        };
        let plans = [today, earlier];
        mongo::create_collections(&system.connection_string, "inserts", &plans)
            .await
            .map_err(message)?;
        let stored = plans.map(|plan| client.database("inserts").collection(&plan.name));
        let patients: Vec<_> = (0..STORED).map(|_| Uuid::now_v7().to_string()).collect();
        for records in &stored {
            let copies: Vec<_> =
                (0..STORED).map(|number| record_of_others(&patients, number)).collect();
            records.insert_many(&copies).await.map_err(message)?;
        }
        println!("\nmongod's CPU time for an audit record, µs …");
        println!("{:<24} {:>8} {:>8} {:>7}", "record", "earlier", "today", "ratio");
        let full_page = search_of(&patients[..PAGE], 0);
        let name = format!("search with {PAGE} ids");
        let kinds =
            [("read", read_of(&patients[0], 0), Some(INDEXES_MAX)), (&name, full_page, None)];
        for (name, pattern, target) in kinds {
            let [today, earlier] = compare(system, &stored, &pattern, self.scale.timing).await?;
            println!("{name:<24} {earlier:>8.0} {today:>8.0} {:>7.2}", today / earlier);
            let name =
                format!("mongod's CPU for the record of a {name}, relative to earlier indexes");
            let figure = Figure::new(name, "×", today / earlier);
            let figure = target.into_iter().fold(figure, Figure::target);
            self.report.figures.push(figure);
        }
        Ok(())
    }
}

/// mongod's CPU time per insert into either collection, in microseconds.
async fn compare(
    system: &System,
    stored: &[Collection<Document>; 2],
    pattern: &Document,
    timing: Timing,
) -> Result<[f64; 2], String> {
    let mut usage = [CpuUsage::default(), CpuUsage::default()];
    for round in 0..ROUNDS {
        for turn in 0..2 {
            let which = (round + turn) % 2;
            let caller = || Inserting { records: stored[which].clone(), pattern: pattern.clone() };
            let callers = std::iter::repeat_with(caller).take(CALLERS_TYPICAL).collect();
            let measured = load::measure(callers, timing, system.processes()?).await;
            measured.failures.check()?;
            usage[which].add(&measured, measured.cpu_of_mongod());
        }
    }
    Ok(usage.map(|usage| usage.cpu_us_per_request()))
}

impl Caller for Inserting {
    async fn call(&mut self) -> Result<(), String> {
        let (id, mut copy) = copy(&self.pattern);
        copy.insert("traceId", trace_id());
        // Its own, as of a new patient: an index entry that many records share would be cheaper.
        if let Ok(resource) = copy.get_document_mut("resource")
            && resource.contains_key("patientId")
        {
            resource.insert("patientId", &id);
            resource.insert("id", &id);
        }
        self.records.insert_one(copy).await.map(|_| ()).map_err(message)
    }
}

/// A record of somebody else than the patients whose log is read.
fn record_of_others(patients: &[String], number: usize) -> Document {
    let patient = || &patients[fastrand::usize(..patients.len())];
    if number.is_multiple_of(SEARCHES) {
        let found: Vec<_> = (0..FOUND).map(|_| patient().clone()).collect();
        search_of(&found, number)
    } else {
        read_of(patient(), number)
    }
}

/// The record of a read of a patient.
fn read_of(patient: &str, number: usize) -> Document {
    let resource = doc! {
        "type": "patient", "operation": "read", "id": patient, "patientId": patient,
        "disclosed": [patient], "version": 1
    };
    record(resource, number)
}

/// The record of a search that found these patients.
fn search_of(found: &[String], number: usize) -> Document {
    let resource = doc! {
        "type": "patient", "operation": "search", "disclosed": found,
        "query": { "postCode": "2000" }
    };
    record(resource, number)
}

/// A record as the Audit API stores it; the higher the number, the later it was created.
fn record(resource: Document, number: usize) -> Document {
    let id = Uuid::now_v7().to_string();
    let created = Duration::from_secs(1_780_000_000) + Duration::from_millis(number as u64);
    let created = i64::try_from(created.as_millis()).unwrap_or_default();
    doc! {
        "_id": &id, "_shardKey": &id, "id": &id, "_requestHash": id.repeat(2).replace('-', ""),
        "createdDate": DateTime::from_millis(created),
        "sourceSystemName": "PatientTestsApi",
        "resource": resource,
        "outcome": "succeeded",
        "actor": {
            "keyName": "gateway", "subscriptionId": format!("subscription-{}", number % 50),
            "organisation": "Laboratory", "userId": format!("user-{}", number % 1_000),
            "clientAddress": "203.0.113.7"
        },
        "purpose": "TREAT",
        "traceId": trace_id()
    }
}

fn trace_id() -> String {
    format!("{:032x}", fastrand::u128(1..))
}

/// The time that mongod has spent on reads so far, in microseconds.
async fn read_time_us(client: &Client) -> Result<f64, String> {
    let status = client.database("admin").run_command(doc! { "serverStatus": 1 }).await;
    let status = status.map_err(message)?;
    let reads = status.get_document("opLatencies").and_then(|all| all.get_document("reads"));
    let latency = reads.map_err(message)?.get("latency").and_then(|latency: &Bson| as_i64(latency));
    latency.map(|latency| latency as f64).ok_or_else(|| "mongod reports no latency".to_owned())
}
