//! The system under measurement: mongod, Key Vault, both packaged apps behind their hosts, the
//! gateway.

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
use super::request::{Door, Entrance, Request};

pub(crate) const PATIENT_APP: &str = "patient-tests-api";
pub(crate) const AUDIT_APP: &str = "audit-api";
pub(crate) const PATIENT_DATABASE: &str = "patient-tests";
pub(crate) const AUDIT_DATABASE: &str = "audit";

const PRODUCT: &str = "patient-records";
const KEY: &str = "the-key-of-the-bench";

/// A million patients and their indexes fit, as they would on a server of the right size.
const CACHE_GIB: u16 = 4;

const IDENTITY: &str = "apps";
const CONNECTION_STRING: &str = "connection-string";
const AUDIT_KEY: &str = "audit-key";
const PATIENT_KEY: &str = "patient-key";

/// Everything, running. Dropping it ends everything.
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

/// What `<app executable> collections` prints.
#[derive(Deserialize)]
struct StoragePlan {
    collections: Vec<CollectionPlan>,
}

impl System {
    /// Starts everything and waits until both handlers answer; no request has been made then.
    ///
    /// With the connection string of an Application Insights, telemetry goes there.
    pub(crate) async fn start(functions: &Path, insights: Option<&str>) -> Result<Self, String> {
        let options = MongodOptions { cache_gib: Some(CACHE_GIB), ..MongodOptions::default() };
        let mongod = Mongod::start(options).await.map_err(text)?;
        // As the local stack: what is confirmed is in the journal.
        let connection_string = mongo::with_option(&mongod.connection_string(), "journal", "true");
        for (app, database) in [(PATIENT_APP, PATIENT_DATABASE), (AUDIT_APP, AUDIT_DATABASE)] {
            let plan = collections(&executable(functions, app)).await?;
            mongo::create_collections(&connection_string, database, &plan).await.map_err(text)?;
        }
        let vault = start_vault(&connection_string).await.map_err(text)?;
        let mut settings = settings(&vault);
        let insights =
            insights.map(|to| ("APPLICATIONINSIGHTS_CONNECTION_STRING".to_owned(), to.to_owned()));
        settings.extend(insights);
        let audit = start_host(functions, AUDIT_APP, &settings).await?;
        let audit_url = format!("{}/api/auditrecord", audit.url());
        settings.push(("AUDIT_API_URL".to_owned(), audit_url));
        let patient = start_host(functions, PATIENT_APP, &settings).await?;
        let openapi = printed(&executable(functions, PATIENT_APP), "openapi").await?;
        let gateway = start_gateway(&patient, &vault, openapi).await?;
        // Between mongod and us there is a watchdog, so mongod is asked itself.
        let status = server_status(&connection_string).await?;
        let mongod_process_id = status.get("pid").and_then(as_i64).ok_or("mongod has no pid")?;
        let mongod_process_id = u32::try_from(mongod_process_id).map_err(text)?;
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

    pub(crate) fn entrance(&self, door: Door) -> Result<Entrance, String> {
        let address = match door {
            Door::Handler => address(&self.patient.handler_url()),
            Door::Host => address(self.patient.url()),
            Door::Gateway => address(self.gateway.url()),
        };
        Ok(Entrance { door, address: address?, key: KEY.to_owned() })
    }

    pub(crate) fn processes(&self) -> Result<Processes, String> {
        let [patient, audit] = [&self.patient, &self.audit].map(Host::handler_process_id);
        let gone = "a handler is not running";
        let (patient, audit) = (patient.ok_or(gone)?, audit.ok_or(gone)?);
        Ok(Processes([patient, audit, std::process::id(), self.mongod_process_id]))
    }

    /// How often the database has stored, changed or looked for something so far.
    pub(crate) async fn database_operations(&self) -> Result<i64, String> {
        let status = server_status(&self.connection_string).await?;
        let counters = status.get_document("opcounters").map_err(text)?;
        let kinds = ["insert", "query", "update", "delete", "getmore"].into_iter();
        Ok(kinds.filter_map(|kind| counters.get(kind).and_then(as_i64)).sum())
    }

    /// One request through everything; it waits until both handlers are ready.
    pub(crate) async fn try_out(&self) -> Result<(), String> {
        let entrance = self.entrance(Door::Gateway)?;
        send(&mut None, &entrance, &Request::create_patient(0)).await
    }
}

pub(crate) fn executable(functions: &Path, app: &str) -> PathBuf {
    let executable = functions.join(app).join(app);
    std::path::absolute(&executable).unwrap_or(executable)
}

/// The collections that an app's own executable lists.
pub(crate) async fn collections(executable: &Path) -> Result<Vec<CollectionPlan>, String> {
    let plan: StoragePlan = printed(executable, "collections").await?;
    Ok(plan.collections)
}

/// What an app's own executable prints.
async fn printed<T: DeserializeOwned>(executable: &Path, what: &str) -> Result<T, String> {
    let unusable = |error: String| {
        format!("{} cannot be used: {error}. Run scripts/bench", executable.display())
    };
    let output = Command::new(executable).arg(what).output().await;
    let output = output.map_err(|error| unusable(error.to_string()))?;
    serde_json::from_slice(&output.stdout).map_err(|error| unusable(error.to_string()))
}

/// A vault with the secrets of both apps, and one identity that may read them.
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
    let host = Host::start(options).await.map_err(text)?;
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
    gateway.await.map_err(text)
}

async fn server_status(connection_string: &str) -> Result<Document, String> {
    let client = Client::with_uri_str(connection_string).await.map_err(text)?;
    client.database("admin").run_command(doc! { "serverStatus": 1 }).await.map_err(text)
}

/// The server's numbers are as wide as they need to be.
fn as_i64(number: &Bson) -> Option<i64> {
    number.as_i64().or_else(|| number.as_i32().map(i64::from))
}

fn address(url: &str) -> Result<SocketAddr, String> {
    url.trim_start_matches("http://").parse().map_err(text)
}

pub(crate) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
