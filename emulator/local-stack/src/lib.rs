//! The whole system on one machine: database, both apps behind their hosts, and the gateway.
//!
//! `scripts/server` runs it for developers; the system tests run it in their process.

mod app;
mod control;
mod database;
mod error;
mod faults;
mod function_keys;
mod keys;
pub mod pages;
mod port;
mod products;
mod ready;
mod ready_file;
mod secrets;
mod services;
mod settings;
mod state_folder;
pub mod zip;

use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use stand_ins::api_management::{
    ApiManagement, ApiManagementOptions, EntraId, PolicyFiles, PolicyValues, SigningKey,
    Subscription,
};
use stand_ins::app_insights::AppInsights;
use stand_ins::key_vault::KeyVault;
use stand_ins::mongo::{Mongod, Proxy};
use tokio::sync::Mutex;

pub use control::{begin_fault, end_fault, rotate, run_timer};
pub use error::{LocalStackError, RotationError};
pub use faults::Fault;
pub use secrets::Rotation;

use app::{PackagedApp, RunningApp};
use control::{Control, ControlTargets};
use faults::Faults;
use port::Ports;
use products::{DEVELOPER, MONITORING};
use ready_file::{Ready, ReadyDatabase, ReadyFile};
use secrets::{HostKeyRings, Secrets};
use services::Services;
use settings::{AUDIT_DATABASE, PATIENT_DATABASE};

/// The pause between two checks whether mongod still runs.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The options of a local stack.
#[derive(Clone, Debug)]
pub struct LocalStackOptions {
    /// The folder with both packaged apps, each in a folder of its name.
    pub functions: PathBuf,
    /// The folder for data and keys, which are kept between starts.
    pub state: PathBuf,
    /// The connection string of the MongoDB to use; without one, the stack starts a mongod.
    pub connection_string: Option<String>,
    /// The gateway's port; without one, any free port.
    pub gateway_port: Option<u16>,
    /// The port of the patient app's host; without one, any free port.
    pub patient_port: Option<u16>,
    /// The port of the audit app's host; without one, any free port.
    pub audit_port: Option<u16>,
    /// The preferred port of the stack's mongod; if it is taken or not given, any free port.
    pub mongod_port: Option<u16>,
    /// The rate limit per minute and subscription; without it, effectively none.
    pub rate_limit_per_minute: Option<u64>,
    /// The quota per day and subscription; without it, effectively none.
    pub quota_per_day: Option<u64>,
    /// The tokens that the gateway requires, and the keys that sign them; without it, none.
    pub tokens: Option<(EntraId, Vec<SigningKey>)>,
    /// Whether Azure Functions Core Tools run the apps instead of the stand-in. They check no keys.
    pub core_tools: bool,
    /// Whether faults may be injected over the control socket.
    pub faults: bool,
    /// How often the apps refresh their secrets while they are accepted.
    pub secret_refresh_interval: Duration,
    /// The apps' `RUST_LOG`; without it, their default applies.
    pub log_filter: Option<String>,
}

impl LocalStackOptions {
    fn policy_values(&self, secret_uri: String) -> PolicyValues {
        let unlimited = PolicyValues::unlimited(secret_uri);
        PolicyValues {
            rate_limit_per_minute: self
                .rate_limit_per_minute
                .unwrap_or(unlimited.rate_limit_per_minute),
            quota_per_day: self.quota_per_day.unwrap_or(unlimited.quota_per_day),
            entra_id: self.tokens.as_ref().map(|(entra_id, _)| entra_id.clone()),
            ..unlimited
        }
    }
}

/// The running system. Dropping it ends everything at once; [`LocalStack::stop`] stops it cleanly.
pub struct LocalStack {
    // The drop order matters: callers end before the services that they call.
    ready: Option<ReadyFile>,
    control: Control,
    gateway: ApiManagement,
    patient: RunningApp,
    audit: RunningApp,
    secrets: Arc<Secrets>,
    host_keys: Arc<HostKeyRings>,
    /// The apps' way to mongod, if faults are allowed.
    proxy: Option<Arc<Proxy>>,
    mongod: Option<Arc<Mutex<Mongod>>>,
    connection_string: String,
    subscriptions: Vec<Subscription>,
    tokens_required: bool,
    insights: AppInsights,
}

impl LocalStack {
    /// Starts everything and waits until a request through the gateway succeeds.
    ///
    /// # Errors
    /// If a part cannot be started; the message names it and says what to do.
    pub async fn start(options: &LocalStackOptions) -> Result<Self, LocalStackError> {
        let ports = Ports::choose(options)?;
        let patient = PackagedApp::find("patient-tests-api", &options.functions)?;
        let audit = PackagedApp::find("audit-api", &options.functions)?;
        let services = Services::start(options).await?;
        let audit = services.start_audit_app(&audit, &ports, options).await?;
        let openapi: Value = patient.output_of("openapi").await?;
        let patient = services.start_patient_app(&patient, &ports, options).await?;
        let gateway = start_gateway(&services, &patient, openapi, &ports, options).await?;
        let mut stack = Self::control(services, gateway, patient, audit, options)?;
        stack.wait_until_ready().await?;
        let ready = ReadyFile::write(&options.state, &stack.ready_content())
            .map_err(|cause| LocalStackError::State { folder: options.state.clone(), cause })?;
        stack.ready = Some(ready);
        Ok(stack)
    }

    /// Opens the control socket for the running parts.
    fn control(
        services: Services,
        gateway: ApiManagement,
        patient: RunningApp,
        audit: RunningApp,
        options: &LocalStackOptions,
    ) -> Result<Self, LocalStackError> {
        let Services { database, secrets, insights, subscriptions, .. } = services;
        let host_keys = Arc::new(HostKeyRings { patient: patient.keys(), audit: audit.keys() });
        let timers = [&patient, &audit].into_iter().filter_map(RunningApp::timers).collect();
        let mongod = database.own.map(|mongod| Arc::new(Mutex::new(mongod)));
        let proxy = database.proxy.map(Arc::new);
        let faults = options.faults.then(|| Faults {
            mongod: mongod.clone(),
            proxy: proxy.clone(),
            patient_handler: patient.handler_process(),
            audit_handler: audit.handler_process(),
        });
        let targets = ControlTargets {
            secrets: Arc::clone(&secrets),
            hosts: Arc::clone(&host_keys),
            timers,
            faults,
        };
        let control = Control::start(&options.state, targets).map_err(LocalStackError::Control)?;
        Ok(Self {
            ready: None,
            control,
            gateway,
            patient,
            audit,
            secrets,
            host_keys,
            proxy,
            mongod,
            connection_string: database.connection_string,
            subscriptions,
            tokens_required: options.tokens.is_some(),
            insights,
        })
    }

    /// The gateway's URL, `http://127.0.0.1:PORT`, without a trailing slash.
    pub fn url(&self) -> &str {
        self.gateway.url()
    }

    /// The developers' key for `Ocp-Apim-Subscription-Key`, which may do everything.
    pub fn subscription_key(&self) -> &str {
        self.key_of(DEVELOPER)
    }

    /// The key of the subscription to this product.
    ///
    /// # Panics
    /// If there is no such product.
    pub fn key_of(&self, product: &str) -> &str {
        let mut subscriptions = self.subscriptions.iter();
        let found = subscriptions.find(|subscription| subscription.product == product);
        &found.expect("each product has a subscription").key
    }

    /// All subscriptions, one per product.
    pub fn subscriptions(&self) -> &[Subscription] {
        &self.subscriptions
    }

    /// The URLs of the patient app's and of the audit app's host.
    pub fn host_urls(&self) -> [&str; 2] {
        [self.patient.url(), self.audit.url()]
    }

    /// The logs of both apps, from the console and from their invocations.
    pub fn logs(&self) -> Vec<String> {
        [&self.patient, &self.audit].into_iter().flat_map(RunningApp::logs).collect()
    }

    /// The vault, for injecting faults.
    pub fn vault(&self) -> &KeyVault {
        self.secrets.vault()
    }

    /// The telemetry of the platform and of both apps, which `/telemetry` on the gateway's port
    /// shows.
    pub fn insights(&self) -> &AppInsights {
        &self.insights
    }

    /// Rotates a secret without downtime, and reports each step.
    ///
    /// # Errors
    /// If the stack does not own the secret, or a step fails; the system continues to work.
    pub async fn rotate(
        &self,
        rotation: Rotation,
        mut progress: impl FnMut(&str),
    ) -> Result<(), RotationError> {
        self.secrets.rotate(rotation, &self.host_keys, &mut progress).await
    }

    /// The stack's mongod, for inspecting and for injecting faults; `None` if the database was
    /// given.
    pub fn mongod(&self) -> Option<&Mutex<Mongod>> {
        self.mongod.as_deref()
    }

    /// The process ids of the patient app and of the audit app, if they run.
    pub fn handler_process_ids(&self) -> [Option<u32>; 2] {
        [self.patient.handler_process_id(), self.audit.handler_process_id()]
    }

    /// Waits until a required part has ended by itself; returns which.
    pub async fn ended(&mut self) -> LocalStackError {
        let mongod = async {
            match &self.mongod {
                Some(mongod) => ended(mongod).await,
                None => pending().await,
            }
        };
        let part = tokio::select! {
            () = mongod => "mongod",
            name = self.patient.ended() => name,
            name = self.audit.ended() => name,
        };
        LocalStackError::Ended(part)
    }

    /// Stops everything in order, so that no request is interrupted and no data is lost.
    pub async fn stop(self) {
        drop(self.ready);
        // It holds a reference to mongod.
        self.control.stop().await;
        self.gateway.stop().await;
        self.patient.stop().await;
        self.audit.stop().await;
        drop(self.proxy);
        if let Some(mongod) = self.mongod.and_then(Arc::into_inner) {
            mongod.into_inner().stop().await;
        }
    }

    fn ready_content(&self) -> Ready<'_> {
        let [patient_host, audit_host] = self.host_urls();
        Ready {
            gateway: self.url(),
            patient_host,
            audit_host,
            subscription_key: self.subscription_key(),
            subscription_keys: self
                .subscriptions
                .iter()
                .map(|subscription| (&*subscription.product, &*subscription.key))
                .collect(),
            database: ReadyDatabase {
                connection_string: &self.connection_string,
                patient_tests: PATIENT_DATABASE,
                audit: AUDIT_DATABASE,
            },
            process_id: std::process::id(),
        }
    }

    async fn wait_until_ready(&mut self) -> Result<(), LocalStackError> {
        // Its rate limit is too low for the many attempts that Core Tools need to start.
        let key =
            if self.tokens_required { self.key_of(MONITORING) } else { self.subscription_key() };
        let ready = ready::wait(self.url().to_owned(), key.to_owned());
        tokio::select! {
            ready = ready => ready,
            error = self.ended() => Err(error),
        }
    }
}

async fn start_gateway(
    services: &Services,
    patient: &RunningApp,
    openapi: Value,
    ports: &Ports,
    options: &LocalStackOptions,
) -> Result<ApiManagement, LocalStackError> {
    let Services { secrets, insights, .. } = services;
    let url = format!("http://127.0.0.1:{}", ports.gateway);
    let pages = pages::new(openapi.clone(), &url, insights.telemetry().clone());
    let gateway = ApiManagement::start(ApiManagementOptions {
        port: Some(ports.gateway),
        service_url: format!("{}/api", patient.url()),
        openapi,
        policies: PolicyFiles::deployed(),
        values: options.policy_values(secrets.gateway_key_uri()),
        products: services.products.clone(),
        subscriptions: services.subscriptions.clone(),
        identity: secrets.gateway_identity(),
        signing_keys: options.tokens.clone().map(|(_, keys)| keys).unwrap_or_default(),
        insights: Some(insights.connection_string().to_owned()),
        pages: Some(pages),
    });
    gateway.await.map_err(|error| LocalStackError::Gateway(error.to_string()))
}

/// Waits until mongod has ended by itself.
async fn ended(mongod: &Mutex<Mongod>) {
    while !mongod.lock().await.has_ended() {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
