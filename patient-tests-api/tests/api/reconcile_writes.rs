//! `ReconcileWrites`: what was announced in the register is compared with what was written.

use std::time::Duration;

use mongodb::Collection;
use mongodb::bson::{Bson, DateTime, Document, doc};
use serde_json::{Value, json};
use stand_ins::audit_api::Behaviour;
use stand_ins::functions_host::TimerError;

use crate::helpers::{PatientTestsApi, medical_test, patient, patient_with, unknown_id};

const MINUTE_MS: i64 = 60_000;

/// How old the writes of a test become.
const AGE: Duration = Duration::from_mins(20);

/// A moment in a minute that can be reconciled, to the second.
fn then() -> i64 {
    let now = DateTime::now().timestamp_millis();
    now - now % MINUTE_MS - 20 * MINUTE_MS + 30_000
}

fn text(unix_ms: i64) -> String {
    let text = DateTime::from_millis(unix_ms).try_to_rfc3339_string().unwrap();
    if text.contains('.') { text } else { text.replace('Z', ".000Z") }
}

struct Reconciled {
    api: PatientTestsApi,
}

impl Reconciled {
    /// An app whose reconciliation has come to half an hour ago.
    async fn start() -> Self {
        Self::start_at(then() - 10 * MINUTE_MS).await
    }

    async fn start_at(position: i64) -> Self {
        let reconciled = Self { api: PatientTestsApi::start().await };
        reconciled.move_to(position).await;
        reconciled
    }

    fn reports(&self) -> Collection<Document> {
        self.api.database.collection("reconciliation")
    }

    /// Sets the position, to the minute.
    async fn move_to(&self, position: i64) {
        let position = position - position % MINUTE_MS;
        self.reports().delete_many(doc! {}).await.unwrap();
        let date = DateTime::from_millis(position);
        let report = doc! {
            "_id": text(position), "_shardKey": "reconciliation", "from": date, "to": date,
            "createdDate": date, "intents": 0_i64, "versions": 0_i64, "failed": 0_i64,
            "succeeded": 0_i64, "findingsCount": 0_i64, "findings": [],
        };
        self.reports().insert_one(report).await.unwrap();
    }

    /// Lets time pass for what is stored in the database and in the register.
    async fn age(&self) {
        self.api.audit.age(AGE);
        let older = doc! { "$subtract": ["$lastUpdated", AGE.as_millis() as i64] };
        for name in ["patients", "tests", "patientVersions", "testVersions"] {
            let collection: Collection<Document> = self.api.database.collection(name);
            let change = vec![doc! { "$set": { "lastUpdated": older.clone() } }];
            collection.update_many(doc! {}, change).await.unwrap();
        }
    }

    async fn try_run(&self) -> Result<(), TimerError> {
        self.api.app.host.timers().run("ReconcileWrites").await
    }

    /// Runs it and returns the newest report.
    async fn run(&self) -> Value {
        self.try_run().await.expect("the run succeeds");
        self.report().await
    }

    async fn report(&self) -> Value {
        self.api.call("GET", "reconciliation").expect(200).await.body
    }

    /// Announces a change of this patient, at this time, which does not happen.
    fn announce(&self, patient_id: &str, operation: &str, created: i64) -> String {
        self.api.audit.add(&text(created), record(patient_id, operation, "intended"))
    }

    /// The ends that the reconciler recorded: the announcement and the outcome.
    fn conclusions(&self) -> Vec<(String, String)> {
        let records = self.api.audit.records();
        let ends = records.iter().filter(|end| end.body["actor"]["keyName"] == "reconciler");
        let fact = |name: &'static str| {
            move |body: &Value| body[name].as_str().expect("a text").to_owned()
        };
        ends.map(|end| (fact("relatesTo")(&end.body), fact("outcome")(&end.body))).collect()
    }

    async fn store(&self, document: Document) {
        self.api.patients().insert_one(document).await.unwrap();
    }
}

fn record(patient_id: &str, operation: &str, outcome: &str) -> Value {
    json!({
        "sourceSystemName": "PatientTestsApi",
        "resource": {
            "type": "patient", "operation": operation, "id": patient_id, "patientId": patient_id
        },
        "outcome": outcome,
        "traceId": "0af7651916cd43dd8448eb211c80319c",
    })
}

/// The document of a patient, written at this time.
fn document(id: &str, audit_id: impl Into<Bson>, version: i64, written: i64) -> Document {
    doc! {
        "_id": id, "_shardKey": id, "_version": version, "_auditId": audit_id, "id": id,
        "lastUpdated": DateTime::from_millis(written), "firstName": "Ada",
    }
}

/// Counts, in the order intents, versions, failed, succeeded, findings.
fn counts(report: &Value) -> [i64; 5] {
    ["intents", "versions", "failed", "succeeded", "findingsCount"]
        .map(|name| report[name].as_i64().expect("a number"))
}

/// The problems of the findings, sorted.
fn problems(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().expect("a list").iter();
    let mut problems: Vec<_> =
        findings.map(|finding| finding["problem"].as_str().expect("a word")).collect();
    problems.sort_unstable();
    problems
}

#[tokio::test]
async fn whatever_the_app_writes_or_refuses_adds_up() {
    let it = Reconciled::start().await;
    let api = &it.api;
    let id = api.create_patient().await;
    let path = format!("patient/{id}");
    let test_id = api.create_test(&id).await;
    let test_path = format!("{path}/tests/{test_id}");
    let restore = json!({"version": 1});
    let replacement = patient_with("id", json!(id));
    let mut test_replacement = medical_test();
    test_replacement["id"] = json!(test_id);
    // Eight versions; with the two above, ten.
    api.rename_patient(&id, "Grace").await;
    api.call("PUT", &test_path).json(&test_replacement).expect(200).await;
    api.call("DELETE", &test_path).expect(204).await;
    api.call("POST", &format!("{test_path}/restore")).json(&restore).expect(200).await;
    api.call("DELETE", &path).expect(204).await;
    api.call("POST", &format!("{path}/restore")).json(&restore).expect(200).await;
    let keyed = api.call("POST", "patient").header("Idempotency-Key", "k");
    keyed.json(&patient()).expect(201).await;
    api.call("PUT", &path).json(&replacement).expect(200).await;
    // Seven announcements that no version names.
    let keyed =
        |body: &Value| api.call("POST", "patient").header("Idempotency-Key", "k").json(body);
    keyed(&patient()).expect(201).await;
    keyed(&patient_with("firstName", json!("Other"))).expect(422).await;
    api.call("PUT", &path).header("If-Match", "\"1\"").json(&replacement).expect(412).await;
    let nobody = unknown_id();
    let unknown = patient_with("id", json!(nobody));
    api.call("PUT", &format!("patient/{nobody}")).json(&unknown).expect(404).await;
    api.call("DELETE", &format!("patient/{nobody}")).expect(404).await;
    api.call("POST", &format!("{path}/restore")).json(&json!({"version": 9})).expect(404).await;
    api.call("POST", &format!("patient/{nobody}/tests")).json(&medical_test()).expect(404).await;
    it.age().await;
    let records = api.audit.records().len();

    let report = it.run().await;

    assert_eq!(counts(&report), [17, 10, 0, 0, 0], "{report:#}");
    // That of reading the report.
    assert_eq!(api.audit.records().len(), records + 1);
}

#[tokio::test]
async fn an_announcement_without_version_and_end_is_recorded_as_failed_once() {
    let it = Reconciled::start().await;
    let patient_id = unknown_id();
    let intent = it.announce(&patient_id, "create", then());

    let report = it.run().await;

    assert_eq!(counts(&report), [1, 0, 1, 0, 0], "{report:#}");
    let records = it.api.audit.records();
    let mut expected = record(&patient_id, "create", "failed");
    expected["relatesTo"] = json!(intent);
    expected["actor"] = json!({"keyName": "reconciler"});
    assert_eq!(records[1].body, expected);

    it.move_to(then() - MINUTE_MS).await;
    let again = it.run().await;
    assert_eq!(counts(&again), [1, 0, 0, 0, 0], "{again:#}");
    assert_eq!(it.conclusions(), [(intent, "failed".to_owned())]);
}

#[tokio::test]
async fn an_unconfirmed_write_gets_the_end_that_the_database_knows() {
    let it = Reconciled::start().await;
    let happened = it.api.create_patient().await;
    let happened_intent = it.api.audit.records()[0].id.clone();
    it.age().await;
    let missed = unknown_id();
    let missed_intent = it.announce(&missed, "create", then());
    // The deadline of a request can lie in the next minute.
    for (patient, intent) in [(&happened, &happened_intent), (&missed, &missed_intent)] {
        let mut unknown = record(patient, "create", "unknown");
        unknown["relatesTo"] = json!(intent);
        it.api.audit.add(&text(then() + MINUTE_MS), unknown);
    }

    let report = it.run().await;

    assert_eq!(counts(&report), [2, 1, 1, 1, 0], "{report:#}");
    let mut conclusions = it.conclusions();
    conclusions.sort_by(|one, other| one.1.cmp(&other.1));
    assert_eq!(
        conclusions,
        [(missed_intent, "failed".to_owned()), (happened_intent, "succeeded".to_owned())]
    );
}

#[tokio::test]
async fn a_version_that_nothing_announced_is_found_and_reported() {
    let it = Reconciled::start().await;
    let announced = it.api.create_patient().await;
    let intent = it.api.audit.records()[0].id.clone();
    it.age().await;
    let (own, old) = (unknown_id(), unknown_id());
    let late = it.announce(&old, "update", then() - 8 * MINUTE_MS);
    it.store(document(&unknown_id(), unknown_id(), 1, then())).await;
    it.store(document(&own, it.announce(&own, "read", then()), 1, then())).await;
    it.store(document(&unknown_id(), intent, 1, then())).await;
    it.store(document(&old, late, 2, then())).await;
    let twice = unknown_id();
    let once = it.announce(&twice, "update", then());
    it.store(document(&twice, &once, 3, then() + 1)).await;
    let mut earlier = document(&twice, &once, 2, then());
    earlier.insert("_id", format!("{twice}:2"));
    it.api.patient_versions().insert_one(earlier).await.unwrap();
    // The scaffold writes so; and so does somebody who has no idea.
    it.store(doc! { "_id": unknown_id(), "lastUpdated": DateTime::from_millis(then()) }).await;
    let odd = doc! {
        "_id": "Ada Lovelace", "_shardKey": 5, "_version": "x", "_auditId": [],
        "lastUpdated": DateTime::from_millis(then()),
    };
    it.store(odd).await;
    it.api.tests().insert_one(document(&unknown_id(), Bson::Null, 1, then())).await.unwrap();

    let report = it.run().await;

    assert_eq!(
        problems(&report),
        [
            "announcedOnce",
            "announcedOtherwise",
            "announcedOtherwise",
            "announcedOtherwise",
            "namesNoRecord",
            "namesNoRecord",
            "namesNoRecord",
            "notAnnounced",
        ],
        "{report:#}"
    );
    let lines = it.api.app.host.console();
    let errors: Vec<_> =
        lines.iter().filter(|line| line.text.contains("written past the app")).collect();
    assert_eq!(errors.len(), 8);
    assert!(!report.to_string().contains("Ada") && !format!("{lines:?}").contains("Ada"));
    // What is announced and read is still served.
    it.api.load_patient(&announced).await;
}

#[tokio::test]
async fn an_announcement_and_its_version_may_lie_in_different_windows() {
    let it = Reconciled::start().await;
    let id = unknown_id();
    let edge = then() - then() % MINUTE_MS;
    let intent = it.announce(&id, "create", edge - 10);
    it.store(document(&id, intent, 1, edge + 10)).await;

    let report = it.run().await;

    assert_eq!(counts(&report), [1, 1, 0, 0, 0], "{report:#}");
}

#[tokio::test]
async fn many_announcements_are_read_page_by_page() {
    let it = Reconciled::start().await;
    for _ in 0..250 {
        it.announce(&unknown_id(), "delete", then());
    }

    let report = it.run().await;

    assert_eq!(counts(&report), [250, 0, 250, 0, 0], "{report:#}");
    assert_eq!(it.conclusions().len(), 250);
}

#[tokio::test]
async fn two_runs_at_once_record_each_end_once() {
    let it = Reconciled::start().await;
    for _ in 0..20 {
        it.announce(&unknown_id(), "update", then());
    }

    let (one, other) = tokio::join!(it.try_run(), it.try_run());

    assert_eq!((one, other), (Ok(()), Ok(())));
    assert_eq!(it.conclusions().len(), 20);
}

#[tokio::test]
async fn a_run_that_fails_goes_on_later_from_where_it_was() {
    let it = Reconciled::start().await;
    it.announce(&unknown_id(), "update", then());
    let before = it.report().await;
    // Refused: such a call is not repeated.
    it.api.audit.behave(Behaviour::Status(400));

    assert_eq!(it.try_run().await, Err(TimerError::Failed));

    it.api.audit.behave(Behaviour::Record);
    assert_eq!(it.report().await["to"], before["to"]);
    assert_eq!(counts(&it.run().await), [1, 0, 1, 0, 0]);
}

#[tokio::test]
async fn a_week_without_writes_takes_one_run() {
    let it = Reconciled::start_at(then() - 7 * 24 * 60 * MINUTE_MS).await;
    it.announce(&unknown_id(), "update", then());

    let report = it.run().await;

    assert_eq!(counts(&report), [1, 0, 1, 0, 0], "{report:#}");
    let to = DateTime::parse_rfc3339_str(report["to"].as_str().unwrap()).unwrap();
    let minutes_ago = (DateTime::now().timestamp_millis() - to.timestamp_millis()) / MINUTE_MS;
    assert!((5..=6).contains(&minutes_ago), "{minutes_ago}");
}

#[tokio::test]
async fn the_first_run_begins_when_the_app_started() {
    let it = Reconciled { api: PatientTestsApi::start().await };
    it.announce(&unknown_id(), "update", then());

    let report = it.run().await;

    assert_eq!((counts(&report), &report["from"]), ([0; 5], &report["to"]));
    assert_eq!(it.run().await, report);
    assert_eq!(it.reports().count_documents(doc! {}).await.unwrap(), 1);
}

#[tokio::test]
async fn the_last_minutes_are_left_to_later_runs() {
    let it = Reconciled::start().await;
    it.announce(&unknown_id(), "update", DateTime::now().timestamp_millis());

    assert_eq!(counts(&it.run().await), [0; 5]);
    let reports = it.reports().count_documents(doc! {}).await.unwrap();
    it.run().await;

    assert!(it.reports().count_documents(doc! {}).await.unwrap() <= reports + 1);
    assert_eq!(it.conclusions(), []);
}
