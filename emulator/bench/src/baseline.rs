//! The lowest possible cost of storage: the driver alone with documents of the same shape, and one
//! hop over loopback.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::options::{Acknowledgment, ClientOptions};
use mongodb::{Client, Collection};
use stand_ins::mongo;
use uuid::Uuid;

use super::client::Task;
use super::connection::Connection;
use super::load::Caller;
use super::request::EntryPoint;
use super::system::{
    AUDIT_APP, AUDIT_DATABASE, PATIENT_APP, PATIENT_DATABASE, System, collections, executable,
    message,
};

const DATABASE: &str = "baseline";

/// The operations that a request needs at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    InsertOne,
    FindOne,
    /// `CreatePatient`: inserts the audit record, then the patient.
    TwoInserts,
    /// `LoadPatient`: finds the patient, then inserts the audit record.
    FindAndInsert,
    /// No database: a trivial request to the patient app, which crosses loopback once, as the call
    /// of the Audit API does.
    Hop,
}

/// The driver with its own collections, with the same indexes as those of the apps.
pub(crate) struct Baseline {
    patients: Collection<Document>,
    audits: Collection<Document>,
    patient: Document,
    audit: Document,
    ids: Vec<String>,
    handler: SocketAddr,
}

/// A client that performs one operation.
pub(crate) struct BaselineCaller {
    baseline: Arc<Baseline>,
    operation: Operation,
    hop: Option<Connection>,
}

impl Operation {
    pub(crate) const ALL: [Self; 5] =
        [Self::InsertOne, Self::FindOne, Self::TwoInserts, Self::FindAndInsert, Self::Hop];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InsertOne => "insert_one",
            Self::FindOne => "find_one",
            Self::TwoInserts => "insert + insert",
            Self::FindAndInsert => "find + insert",
            Self::Hop => "one hop",
        }
    }

    /// The operation to compare a task with, if there is one.
    pub(crate) fn needed_by(task: Task) -> Option<Self> {
        match task {
            Task::CreatePatient => Some(Self::TwoInserts),
            Task::LoadPatient => Some(Self::FindAndInsert),
            Task::Seed
            | Task::UpdatePatient
            | Task::CreateOrLoad
            | Task::SearchPatient
            | Task::SearchByName
            | Task::CreateTest => None,
        }
    }
}

impl Baseline {
    /// Creates the collections; the documents copy a patient and an audit record that the apps have
    /// stored.
    pub(crate) async fn prepare(
        system: &System,
        functions: &Path,
        patients: usize,
    ) -> Result<Self, String> {
        for app in [PATIENT_APP, AUDIT_APP] {
            let plan = collections(&executable(functions, app)).await?;
            mongo::create_collections(&system.connection_string, DATABASE, &plan)
                .await
                .map_err(message)?;
        }
        let client = connect(&system.connection_string).await?;
        let pattern = async |database: &str, name: &str| -> Result<Document, String> {
            let found = client.database(database).collection(name).find_one(doc! {}).await;
            found.map_err(message)?.ok_or_else(|| format!("nothing is stored in {name}"))
        };
        let database = client.database(DATABASE);
        let mut baseline = Self {
            patients: database.collection("patients"),
            audits: database.collection("audits"),
            patient: pattern(PATIENT_DATABASE, "patients").await?,
            audit: pattern(AUDIT_DATABASE, "audits").await?,
            ids: Vec::new(),
            handler: system.target(EntryPoint::Handler)?.address,
        };
        let copies: Vec<_> = (0..patients).map(|_| copy(&baseline.patient)).collect();
        baseline
            .patients
            .insert_many(copies.iter().map(|(_, copy)| copy))
            .await
            .map_err(message)?;
        baseline.ids = copies.into_iter().map(|(id, _)| id).collect();
        Ok(baseline)
    }

    pub(crate) fn callers(
        self: &Arc<Self>,
        number: usize,
        operation: Operation,
    ) -> Vec<BaselineCaller> {
        let caller = || BaselineCaller { baseline: Arc::clone(self), operation, hop: None };
        std::iter::repeat_with(caller).take(number).collect()
    }

    async fn insert_patient(&self) -> Result<(), String> {
        self.patients.insert_one(copy(&self.patient).1).await.map(|_| ()).map_err(message)
    }

    async fn insert_audit(&self) -> Result<(), String> {
        self.audits.insert_one(copy(&self.audit).1).await.map(|_| ()).map_err(message)
    }

    async fn find_patient(&self) -> Result<(), String> {
        let id = fastrand::choice(&self.ids).ok_or("there are no patients")?;
        let found = self.patients.find_one(doc! { "_id": id, "_shardKey": id }).await;
        found.map_err(message)?.map(|_| ()).ok_or_else(|| "a patient is gone".to_owned())
    }
}

impl Caller for BaselineCaller {
    async fn call(&mut self) -> Result<(), String> {
        let baseline = &*self.baseline;
        match self.operation {
            Operation::InsertOne => baseline.insert_patient().await,
            Operation::FindOne => baseline.find_patient().await,
            Operation::TwoInserts => {
                baseline.insert_audit().await?;
                baseline.insert_patient().await
            }
            Operation::FindAndInsert => {
                baseline.find_patient().await?;
                baseline.insert_audit().await
            }
            Operation::Hop => hop(&mut self.hop, baseline.handler).await.map_err(message),
        }
    }
}

/// Sends the host's readiness probe.
async fn hop(connection: &mut Option<Connection>, handler: SocketAddr) -> std::io::Result<()> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(Connection::open(handler).await?),
    };
    let request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    connection.exchange(request).await.map(|_| ())
}

/// The ids of stored patients.
pub(crate) async fn stored_patients(
    connection_string: &str,
    number: usize,
) -> Result<Vec<String>, String> {
    let client = connect(connection_string).await?;
    let patients = client.database(PATIENT_DATABASE).collection::<Document>("patients");
    let limit = i64::try_from(number).map_err(message)?;
    let found = patients.find(doc! {}).projection(doc! { "_id": 1 }).limit(limit).await;
    let mut found = found.map_err(message)?;
    let mut ids = Vec::with_capacity(number);
    while found.advance().await.map_err(message)? {
        ids.push(found.current().get_str("_id").map_err(message)?.to_owned());
    }
    Ok(ids)
}

/// Connects with the options of the apps (`shared/src/mongo/database.rs`).
pub(crate) async fn connect(connection_string: &str) -> Result<Client, String> {
    let mut options = ClientOptions::parse(connection_string).await.map_err(message)?;
    options.retry_reads = Some(false);
    options.retry_writes = Some(false);
    options.max_idle_time = Some(Duration::from_secs(120));
    options.max_pool_size = Some(100);
    options.max_connecting = Some(8);
    options.write_concern.get_or_insert_default().w = Some(Acknowledgment::Majority);
    Client::with_options(options).map_err(message)
}

/// Writes what was inserted to disk, which would otherwise happen while something is measured.
pub(crate) async fn flush(client: &Client) -> Result<(), String> {
    let fsync = doc! { "fsync": 1 };
    client.database("admin").run_command(fsync).await.map(|_| ()).map_err(message)
}

/// Copies a document with a new id.
pub(crate) fn copy(pattern: &Document) -> (String, Document) {
    let id = Uuid::now_v7().to_string();
    let mut copy = pattern.clone();
    for field in ["_id", "_shardKey", "id"] {
        copy.insert(field, &id);
    }
    (id, copy)
}
