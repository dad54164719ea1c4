//! The measured system: mongod, Key Vault, both packaged apps behind their hosts, and the gateway.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use stand_ins::api_management::{
    ApiManagement, ApiManagementOptions, GatewayIdentity, PolicyFiles, PolicyValues, Products,
    Subscription,
};
use stand_ins::functions_host::{Host, HostKeys, HostOptions};
use stand_ins::key_vault::KeyVault;
use stand_ins::mongo::{self, CollectionPlan, Mongod, MongodOptions};
use tokio::process::Command;

use super::client::send;
use super::process::Processes;
use super::request::{EntryPoint, Request, Target};

pub(crate) const PATIENT_APP: &str = "patient-tests-api";
pub(crate) const AUDIT_APP: &str = "audit-api";
pub(crate) const PATIENT_DATABASE: &str = "patient-tests";
pub(crate) const AUDIT_DATABASE: &str = "audit";

const PRODUCT: &str = "patient-records";
const KEY: &str = "the-key-of-the-bench";

/// A million patients and their indexes fit, as on a server of the right size.
const CACHE_GIB: u16 = 4;

const IDENTITY: &str = "apps";
const CONNECTION_STRING: &str = "connection-string";
const AUDIT_KEY: &str = "audit-key";
const PATIENT_KEY: &str = "patient-key";

/// The running system; dropping it stops everything.
pub(crate) struct System {
    gateway: ApiManagement,
    patient: Host,
    audit: Host,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) connection_string: String,
    mongod_process_id: u32,
    _vault: KeyVault,
    _mongod: Mongod,
}

/// The output of `<app executable> collections`.
#[derive(Deserialize)]
struct StoragePlan {
    collections: Vec<CollectionPlan>,
}

impl System {
    /// Starts everything and waits until both handlers run; no request has been sent then.
    ///
    /// With a connection string of Application Insights, telemetry is sent there.
    pub(crate) async fn start(functions: &Path, insights: Option<&str>) -> Result<Self, String> {
        let options = MongodOptions { cache_gib: Some(CACHE_GIB), ..MongodOptions::default() };
        let mongod = Mongod::start(options).await.map_err(message)?;
        // Acknowledged writes are in the journal, as in the local stack.
        let connection_string = mongo::with_option(&mongod.connection_string(), "journal", "true");
        for (app, database) in [(PATIENT_APP, PATIENT_DATABASE), (AUDIT_APP, AUDIT_DATABASE)] {
            let plan = collections(&executable(functions, app)).await?;
            mongo::create_collections(&connection_string, database, &plan)
                .await
                .map_err(message)?;
        }
        let vault = start_vault(&connection_string).await.map_err(message)?;
        let mut settings = settings(&vault);
        let insights =
            insights.map(|to| ("APPLICATIONINSIGHTS_CONNECTION_STRING".to_owned(), to.to_owned()));
        settings.extend(insights);
        let audit = start_host(functions, AUDIT_APP, &settings).await?;
        let audit_url = format!("{}/api/auditrecord", audit.url());
        settings.push(("AUDIT_API_URL".to_owned(), audit_url));
        let patient = start_host(functions, PATIENT_APP, &settings).await?;
        let openapi = output_of(&executable(functions, PATIENT_APP), "openapi").await?;
        let gateway = start_gateway(&patient, &vault, openapi).await?;
        // A watchdog is between mongod and this process, so mongod reports its own id.
        let status = server_status(&connection_string).await?;
        let mongod_process_id = status.get("pid").and_then(as_i64).ok_or("mongod has no pid")?;
        let mongod_process_id = u32::try_from(mongod_process_id).map_err(message)?;
        Ok(Self {
            gateway,
            patient,
            audit,
            settings,
            connection_string,
            mongod_process_id,
            _vault: vault,
            _mongod: mongod,
        })
    }

    pub(crate) fn target(&self, entry_point: EntryPoint) -> Result<Target, String> {
        let address = match entry_point {
            EntryPoint::Handler => address(&self.patient.handler_url()),
            EntryPoint::Host => address(self.patient.url()),
            EntryPoint::Gateway => address(self.gateway.url()),
        };
        Ok(Target { entry_point, address: address?, key: KEY.to_owned() })
    }

    pub(crate) fn processes(&self) -> Result<Processes, String> {
        let [patient, audit] = [&self.patient, &self.audit].map(Host::handler_process_id);
        let gone = "a handler is not running";
        let (patient, audit) = (patient.ok_or(gone)?, audit.ok_or(gone)?);
        Ok(Processes([patient, audit, std::process::id(), self.mongod_process_id]))
    }

    /// The number of database operations so far.
    pub(crate) async fn database_operations(&self) -> Result<i64, String> {
        let status = server_status(&self.connection_string).await?;
        let counters = status.get_document("opcounters").map_err(message)?;
        let kinds = ["insert", "query", "update", "delete", "getmore"].into_iter();
        Ok(kinds.filter_map(|kind| counters.get(kind).and_then(as_i64)).sum())
    }

    /// Sends one request through all parts, which waits until both handlers are ready.
    pub(crate) async fn smoke_test(&self) -> Result<(), String> {
        let target = self.target(EntryPoint::Gateway)?;
        send(&mut None, &target, &Request::create_patient(0)).await
    }
}

pub(crate) fn executable(functions: &Path, app: &str) -> PathBuf {
    let executable = functions.join(app).join(app);
    std::path::absolute(&executable).unwrap_or(executable)
}

/// The collections that an app's executable lists.
pub(crate) async fn collections(executable: &Path) -> Result<Vec<CollectionPlan>, String> {
    let plan: StoragePlan = output_of(executable, "collections").await?;
    Ok(plan.collections)
}

/// Runs an app's executable and parses its output.
async fn output_of<T: DeserializeOwned>(executable: &Path, what: &str) -> Result<T, String> {
    let unusable = |error: String| {
        format!("{} cannot be used: {error}. Run scripts/bench", executable.display())
    };
    let output = Command::new(executable).arg(what).output().await;
    let output = output.map_err(|error| unusable(error.to_string()))?;
    serde_json::from_slice(&output.stdout).map_err(|error| unusable(error.to_string()))
}

/// A vault with the secrets of both apps, and an identity that may read them.
async fn start_vault(connection_string: &str) -> std::io::Result<KeyVault> {
    let vault = KeyVault::start().await?;
    for (name, value) in
        [(CONNECTION_STRING, connection_string), (AUDIT_KEY, KEY), (PATIENT_KEY, KEY)]
    {
        vault.set_secret(name, value);
        vault.grant(IDENTITY, name);
    }
    Ok(vault)
}

fn settings(vault: &KeyVault) -> Vec<(String, String)> {
    let identity = vault.identity(IDENTITY);
    [
        ("FUNCTIONS_WORKER_RUNTIME", "custom"),
        ("MONGO_CONNECTION_STRING_SECRET_URI", &vault.secret_uri(CONNECTION_STRING)),
        ("PATIENT_TESTS_DATABASE", PATIENT_DATABASE),
        ("AUDIT_DATABASE", AUDIT_DATABASE),
        ("AUDIT_API_KEY_SECRET_URI", &vault.secret_uri(AUDIT_KEY)),
        ("AUDIT_API_READING_KEY_SECRET_URI", &vault.secret_uri(AUDIT_KEY)),
        ("IDENTITY_ENDPOINT", &identity.endpoint),
        ("IDENTITY_HEADER", &identity.header),
        ("TRUSTED_CERTIFICATES_FILE", &vault.trusted_certificate().to_string_lossy()),
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
    let host = Host::start(options).await.map_err(message)?;
    while host.handler_process_id().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(host)
}

async fn start_gateway(
    patient: &Host,
    vault: &KeyVault,
    openapi: Value,
) -> Result<ApiManagement, String> {
    let gateway = ApiManagement::start(ApiManagementOptions {
        port: None,
        service_url: format!("{}/api", patient.url()),
        openapi,
        policies: PolicyFiles::deployed(),
        values: PolicyValues::unlimited(vault.secret_uri(PATIENT_KEY)),
        subscriptions: vec![Subscription {
            id: "bench".to_owned(),
            name: "Bench".to_owned(),
            product: PRODUCT.to_owned(),
            key: KEY.to_owned(),
        }],
        products: Products::deployed(),
        identity: GatewayIdentity {
            identity: vault.identity(IDENTITY),
            trusted_certificate: vault.trusted_certificate().to_owned(),
        },
        signing_keys: Vec::new(),
        insights: None,
        pages: None,
    });
    gateway.await.map_err(message)
}

async fn server_status(connection_string: &str) -> Result<Document, String> {
    let client = Client::with_uri_str(connection_string).await.map_err(message)?;
    client.database("admin").run_command(doc! { "serverStatus": 1 }).await.map_err(message)
}

/// The server uses 32-bit or 64-bit integers, as needed.
pub(crate) fn as_i64(number: &Bson) -> Option<i64> {
    number.as_i64().or_else(|| number.as_i32().map(i64::from))
}

fn address(url: &str) -> Result<SocketAddr, String> {
    url.trim_start_matches("http://").parse().map_err(message)
}

pub(crate) fn message(error: impl std::fmt::Display) -> String {
    error.to_string()
}
