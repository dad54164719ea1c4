//! The whole system on one machine: database, both apps behind their hosts, and the gateway.
//!
//! `scripts/server` runs it for people and the end-to-end tests run it for themselves.

mod app;
mod control;
mod database;
mod error;
mod faults;
mod keys;
pub mod pages;
mod port;
mod ready;
mod ready_file;
mod secrets;
mod settings;
mod state_folder;
pub mod zip;

use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use stand_ins::api_management::{
    ApiManagement, ApiManagementOptions, PolicyFiles, PolicyValues, Products, Subscription,
};
use stand_ins::app_insights::AppInsights;
use stand_ins::key_vault::KeyVault;
use stand_ins::mongo::Mongod;
use tokio::sync::Mutex;

pub use control::{begin_fault, end_fault, rotate, run_timer};
pub use error::{LocalStackError, RotationError};
pub use faults::Fault;
pub use secrets::Rotation;

use app::{PackagedApp, RunningApp};
use control::{Control, Controlled};
use database::Database;
use faults::Faults;
use keys::{FIRST_CALLER, Keys};
use ready_file::{Ready, ReadyFile};
use secrets::{HostKeyRings, Secrets};

/// Between two looks whether mongod still runs.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// What to run, and where.
#[derive(Clone, Debug)]
pub struct LocalStackOptions {
    /// Where both apps are packaged, each in a folder of its name.
    pub functions: PathBuf,
    /// Where data and keys are kept between starts.
    pub state: PathBuf,
    /// The MongoDB to use; without one, a mongod of its own.
    pub connection_string: Option<String>,
    /// The gateway's port; without one, any that is free.
    pub gateway_port: Option<u16>,
    /// The port of the patient app's host; without one, any that is free.
    pub patient_port: Option<u16>,
    /// The port of the audit app's host; without one, any that is free.
    pub audit_port: Option<u16>,
    /// The port of its own mongod, if it is free; without one, or if it is taken, any that is free.
    pub mongod_port: Option<u16>,
    /// How many calls a minute a subscription may make; without it, any number that matters.
    pub rate_limit_per_minute: Option<u64>,
    /// How many calls a day a subscription may make; without it, any number that matters.
    pub quota_per_day: Option<u64>,
    /// Whether Azure Functions Core Tools run the apps instead of our host. They check no keys.
    pub core_tools: bool,
    /// Whether faults can be made over the socket.
    pub faults: bool,
    /// How often the apps read their secrets again while nothing refuses them.
    pub secret_refresh_interval: Duration,
    /// The apps' `RUST_LOG`, if it is not to be their own default.
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
            ..unlimited
        }
    }
}

/// Everything, running. Dropping it ends everything at once; [`LocalStack::stop`] does so cleanly.
pub struct LocalStack {
    // Dropped in this order: whoever calls goes before whoever is called.
    ready: Option<ReadyFile>,
    control: Control,
    gateway: ApiManagement,
    patient: RunningApp,
    audit: RunningApp,
    secrets: Arc<Secrets>,
    host_keys: Arc<HostKeyRings>,
    mongod: Option<Arc<Mutex<Mongod>>>,
    subscriptions: Vec<Subscription>,
    insights: AppInsights,
}

impl LocalStack {
    /// Starts everything and waits until a request through the gateway works.
    ///
    /// # Errors
    /// Says which part cannot be started, and what to do about it.
    pub async fn start(options: &LocalStackOptions) -> Result<Self, LocalStackError> {
        let gateway_port = port::free("gateway", options.gateway_port, "--gateway-port")?;
        let patient_port = port::free("patient host", options.patient_port, "--patient-port")?;
        let audit_port = port::free("audit host", options.audit_port, "--audit-port")?;
        let patient = PackagedApp::find("patient-tests-api", &options.functions)?;
        let audit = PackagedApp::find("audit-api", &options.functions)?;
        state_folder::prepare(&options.state)
            .map_err(|cause| LocalStackError::State { folder: options.state.clone(), cause })?;
        let file = options.state.join("keys.json");
        ReadyFile::clear(&options.state)
            .map_err(|cause| LocalStackError::State { folder: options.state.clone(), cause })?;
        let products = Products::deployed();
        let keys = Keys::load_or_create(&file, &products)
            .map_err(|cause| LocalStackError::Keys { file: file.clone(), cause })?;

        let database = Database::start(options, &keys.administrator).await?;
        let subscriptions = keys.subscriptions(&products);
        let (patient_key, audit_key) = (keys.patient_host.clone(), keys.audit_host.clone());
        let strings = database.connection_strings()?;
        let refresh = options.secret_refresh_interval;
        let secrets = Arc::new(Secrets::start(keys, &file, strings, refresh).await?);
        let insights = AppInsights::start().await.map_err(LocalStackError::AppInsights)?;
        let mut patient_settings = settings::patient(&secrets, &insights, audit_port);
        let mut audit_settings = settings::audit(&secrets, &insights);
        if let Some(filter) = &options.log_filter {
            let filter = ("RUST_LOG".to_owned(), filter.clone());
            patient_settings.push(filter.clone());
            audit_settings.push(filter);
        }
        database.prepare(&patient, &patient_settings).await?;
        database.prepare(&audit, &audit_settings).await?;
        let openapi: Value = patient.printed("openapi").await?;

        let tools = options.core_tools;
        let key = ("patient-tests-api", audit_key.as_str());
        let timers = options.state.join("timers");
        let audit =
            RunningApp::start(&audit, &audit_settings, audit_port, key, &timers, tools).await?;
        let key = ("gateway", patient_key.as_str());
        let patient =
            RunningApp::start(&patient, &patient_settings, patient_port, key, &timers, tools)
                .await?;
        let url = format!("http://127.0.0.1:{gateway_port}");
        let pages = pages::of(openapi.clone(), &url, insights.telemetry().clone());
        let gateway = ApiManagement::start(ApiManagementOptions {
            port: Some(gateway_port),
            service_url: format!("{}/api", patient.url()),
            openapi,
            policies: PolicyFiles::deployed(),
            values: options.policy_values(secrets.gateway_key_uri()),
            products,
            subscriptions: subscriptions.clone(),
            identity: secrets.gateway_identity(),
            signing_keys: Vec::new(),
            insights: Some(insights.connection_string().to_owned()),
            pages: Some(pages),
        });
        let gateway = gateway.await.map_err(|error| LocalStackError::Gateway(error.to_string()))?;
        let host_keys = Arc::new(HostKeyRings { patient: patient.keys(), audit: audit.keys() });
        let timers = [&patient, &audit].into_iter().filter_map(RunningApp::timers).collect();
        let mongod = database.own.map(|mongod| Arc::new(Mutex::new(mongod)));
        let faults = options
            .faults
            .then(|| Faults { mongod: mongod.clone(), audit_handler: audit.handler_process() });
        let controlled = Controlled {
            secrets: Arc::clone(&secrets),
            hosts: Arc::clone(&host_keys),
            timers,
            faults,
        };
        let control =
            Control::start(&options.state, controlled).map_err(LocalStackError::Control)?;
        let mut stack = Self {
            ready: None,
            control,
            gateway,
            patient,
            audit,
            secrets,
            host_keys,
            mongod,
            subscriptions,
            insights,
        };
        stack.wait_until_ready().await?;
        let ready = ReadyFile::write(&options.state, &stack.found_at())
            .map_err(|cause| LocalStackError::State { folder: options.state.clone(), cause })?;
        stack.ready = Some(ready);
        Ok(stack)
    }

    /// Where clients find it: `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> &str {
        self.gateway.url()
    }

    /// What clients show in `Ocp-Apim-Subscription-Key`.
    ///
    /// # Panics
    /// If `terraform/products.json` has lost the subscription.
    pub fn subscription_key(&self) -> &str {
        let first = self.subscriptions.iter().find(|subscription| subscription.id == FIRST_CALLER);
        &first.expect("the products have it").key
    }

    /// All subscriptions, one for each product.
    pub fn subscriptions(&self) -> &[Subscription] {
        &self.subscriptions
    }

    /// Where the hosts of the patient app and of the audit app listen.
    pub fn host_urls(&self) -> [&str; 2] {
        [self.patient.url(), self.audit.url()]
    }

    /// What both apps have logged, to the console and to their invocations.
    pub fn logs(&self) -> Vec<String> {
        [&self.patient, &self.audit].into_iter().flat_map(RunningApp::logs).collect()
    }

    /// Its vault, for breaking.
    pub fn vault(&self) -> &KeyVault {
        self.secrets.vault()
    }

    /// What the platform and both apps report, which `/telemetry` on the gateway's port shows.
    pub fn insights(&self) -> &AppInsights {
        &self.insights
    }

    /// Rotates a secret without a pause, and tells of each step.
    ///
    /// # Errors
    /// If it is not ours to rotate, or a step fails; everything works on then.
    pub async fn rotate(
        &self,
        rotation: Rotation,
        mut progress: impl FnMut(&str),
    ) -> Result<(), RotationError> {
        self.secrets.rotate(rotation, &self.host_keys, &mut progress).await
    }

    /// Its own mongod, for looking into and for breaking; none if it was given a database.
    pub fn mongod(&self) -> Option<&Mutex<Mongod>> {
        self.mongod.as_deref()
    }

    /// The processes of the patient app and of the audit app, as far as they run.
    pub fn handler_process_ids(&self) -> [Option<u32>; 2] {
        [self.patient.handler_process_id(), self.audit.handler_process_id()]
    }

    /// Waits until a part that is needed has ended by itself, and says which.
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

    /// Ends everything in order, so that nothing is cut short and no data is lost.
    pub async fn stop(self) {
        drop(self.ready);
        // It shares mongod.
        self.control.stop().await;
        self.gateway.stop().await;
        self.patient.stop().await;
        self.audit.stop().await;
        if let Some(mongod) = self.mongod.and_then(Arc::into_inner) {
            mongod.into_inner().stop().await;
        }
    }

    fn found_at(&self) -> Ready<'_> {
        let [patient_host, audit_host] = self.host_urls();
        Ready {
            gateway: self.url(),
            patient_host,
            audit_host,
            subscription_key: self.subscription_key(),
            subscriptions: &self.subscriptions,
            process_id: std::process::id(),
        }
    }

    async fn wait_until_ready(&mut self) -> Result<(), LocalStackError> {
        let ready = ready::wait(self.url().to_owned(), self.subscription_key().to_owned());
        tokio::select! {
            ready = ready => ready,
            error = self.ended() => Err(error),
        }
    }
}

/// Waits until mongod has ended by itself.
async fn ended(mongod: &Mutex<Mongod>) {
    while !mongod.lock().await.has_ended() {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
