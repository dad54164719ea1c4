//! The system under measurement: mongod, both packaged apps behind their hosts, the gateway.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use emulator::gateway::{Gateway, GatewayOptions, Subscription};
use emulator::host::{Host, HostKeys, HostOptions};
use emulator::mongo::{self, CollectionPlan, Mongod, MongodOptions};
use serde::Deserialize;
use tokio::process::Command;

use super::client::send;
use super::process::Processes;
use super::request::{Door, Entrance, Request};

pub(super) const PATIENT_APP: &str = "patient-tests-api";
pub(super) const AUDIT_APP: &str = "audit-api";
pub(super) const PATIENT_DATABASE: &str = "patient-tests";
pub(super) const AUDIT_DATABASE: &str = "audit";

const KEY: &str = "the-key-of-the-bench";

/// Everything, running. Dropping it ends everything.
pub(super) struct System {
    gateway: Gateway,
    patient: Host,
    audit: Host,
    pub(super) settings: Vec<(String, String)>,
    pub(super) connection_string: String,
    mongod_process_id: u32,
    _mongod: Mongod,
}

/// What `<app executable> collections` prints.
#[derive(Deserialize)]
struct StoragePlan {
    collections: Vec<CollectionPlan>,
}

impl System {
    /// Starts everything and waits until both handlers answer; no request has been made then.
    pub(super) async fn start(functions: &Path) -> Result<Self, String> {
        let mongod = Mongod::start(MongodOptions::default()).await.map_err(text)?;
        // As the local stack: what is confirmed is in the journal.
        let connection_string = mongo::with_option(&mongod.connection_string(), "journal", "true");
        for (app, database) in [(PATIENT_APP, PATIENT_DATABASE), (AUDIT_APP, AUDIT_DATABASE)] {
            let plan = collections(&executable(functions, app)).await?;
            mongo::create_collections(&connection_string, database, &plan).await.map_err(text)?;
        }
        let mut settings = settings(&connection_string);
        let audit = start_host(functions, AUDIT_APP, &settings).await?;
        let audit_url = format!("{}/api/auditrecord", audit.url());
        settings.push(("AUDIT_API_URL".to_owned(), audit_url));
        let patient = start_host(functions, PATIENT_APP, &settings).await?;
        let gateway = Gateway::start(GatewayOptions {
            port: None,
            patient_host_url: patient.url().to_owned(),
            host_key: KEY.to_owned(),
            subscriptions: vec![Subscription { id: "bench".to_owned(), key: KEY.to_owned() }],
        });
        let gateway = gateway.await.map_err(text)?;
        let mongod_process_id = server_process_id(&connection_string).await?;
        Ok(Self {
            gateway,
            patient,
            audit,
            settings,
            connection_string,
            mongod_process_id,
            _mongod: mongod,
        })
    }

    pub(super) fn entrance(&self, door: Door) -> Result<Entrance, String> {
        let address = match door {
            Door::Handler => address(&self.patient.handler_url()),
            Door::Host => address(self.patient.url()),
            Door::Gateway => address(self.gateway.url()),
        };
        Ok(Entrance { door, address: address?, key: KEY.to_owned() })
    }

    pub(super) fn processes(&self) -> Result<Processes, String> {
        let [patient, audit] = [&self.patient, &self.audit].map(Host::handler_process_id);
        let gone = "a handler is not running";
        let (patient, audit) = (patient.ok_or(gone)?, audit.ok_or(gone)?);
        Ok(Processes([patient, audit, std::process::id(), self.mongod_process_id]))
    }

    /// One request through everything; it waits until both handlers are ready.
    pub(super) async fn try_out(&self) -> Result<(), String> {
        let entrance = self.entrance(Door::Gateway)?;
        send(&mut None, &entrance, &Request::create_patient(0)).await
    }
}

pub(super) fn executable(functions: &Path, app: &str) -> PathBuf {
    let executable = functions.join(app).join(app);
    std::path::absolute(&executable).unwrap_or(executable)
}

/// The collections that an app's own executable lists.
pub(super) async fn collections(executable: &Path) -> Result<Vec<CollectionPlan>, String> {
    let unusable = |error: String| {
        format!("{} cannot be used: {error}. Run scripts/bench", executable.display())
    };
    let output = Command::new(executable).arg("collections").output().await;
    let output = output.map_err(|error| unusable(error.to_string()))?;
    let plan: StoragePlan =
        serde_json::from_slice(&output.stdout).map_err(|error| unusable(error.to_string()))?;
    Ok(plan.collections)
}

fn settings(connection_string: &str) -> Vec<(String, String)> {
    [
        ("FUNCTIONS_WORKER_RUNTIME", "custom"),
        ("MONGO_CONNECTION_STRING", connection_string),
        ("PATIENT_TESTS_DATABASE", PATIENT_DATABASE),
        ("AUDIT_DATABASE", AUDIT_DATABASE),
        ("AUDIT_API_KEY", KEY),
        ("RUST_LOG", "info"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

async fn start_host(
    functions: &Path,
    app: &str,
    settings: &[(String, String)],
) -> Result<Host, String> {
    let folder = functions.join(app);
    let keys = HostKeys { host: vec![("bench".to_owned(), KEY.to_owned())], ..HostKeys::default() };
    let options = HostOptions {
        environment: settings.to_vec(),
        keys,
        ..HostOptions::new(std::path::absolute(&folder).unwrap_or(folder))
    };
    let host = Host::start(options).await.map_err(text)?;
    while host.handler_process_id().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(host)
}

/// Ours has a watchdog between it and us, so it is asked itself.
async fn server_process_id(connection_string: &str) -> Result<u32, String> {
    let client = mongodb::Client::with_uri_str(connection_string).await.map_err(text)?;
    let command = mongodb::bson::doc! { "serverStatus": 1 };
    let status = client.database("admin").run_command(command).await.map_err(text)?;
    let process_id = status.get_i64("pid").map_err(text)?;
    u32::try_from(process_id).map_err(text)
}

fn address(url: &str) -> Result<SocketAddr, String> {
    url.trim_start_matches("http://").parse().map_err(text)
}

pub(super) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
