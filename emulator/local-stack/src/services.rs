//! The services that the apps and the gateway use, and the start of the apps on them.

use std::sync::Arc;

use stand_ins::api_management::{Products, Subscription};
use stand_ins::app_insights::AppInsights;

use super::app::{PackagedApp, RunningApp};
use super::database::Database;
use super::function_keys::{GATEWAY_KEY, READING_KEY, WRITING_KEY};
use super::keys::Keys;
use super::port::Ports;
use super::ready_file::ReadyFile;
use super::secrets::Secrets;
use super::{LocalStackError, LocalStackOptions, products, settings, state_folder};

/// Database, Key Vault and Application Insights, with the keys of the stack.
pub(super) struct Services {
    pub(super) database: Database,
    pub(super) secrets: Arc<Secrets>,
    pub(super) insights: AppInsights,
    pub(super) products: Products,
    pub(super) subscriptions: Vec<Subscription>,
}

impl Services {
    /// Prepares the state folder and starts all services.
    pub(super) async fn start(options: &LocalStackOptions) -> Result<Self, LocalStackError> {
        let unusable = |cause| LocalStackError::State { folder: options.state.clone(), cause };
        state_folder::prepare(&options.state).map_err(unusable)?;
        ReadyFile::clear(&options.state).map_err(unusable)?;
        let products = products::all();
        let file = options.state.join("keys.json");
        let keys = Keys::load_or_create(&file, &products)
            .map_err(|cause| LocalStackError::Keys { file: file.clone(), cause })?;
        let database = Database::start(options, &keys.administrator).await?;
        let subscriptions = keys.subscriptions(&products);
        let strings = database.connection_strings()?;
        let secrets = Secrets::start(keys, &file, strings, options.secret_refresh_interval).await?;
        let insights = AppInsights::start().await.map_err(LocalStackError::AppInsights)?;
        Ok(Self { database, secrets: Arc::new(secrets), insights, products, subscriptions })
    }

    /// Starts the patient app; the gateway calls it.
    pub(super) async fn start_patient_app(
        &self,
        app: &PackagedApp,
        ports: &Ports,
        options: &LocalStackOptions,
    ) -> Result<RunningApp, LocalStackError> {
        let settings = settings::patient(&self.secrets, &self.insights, ports.audit);
        let app = self.start_app(app, settings, ports.patient, options).await?;
        self.secrets.add_keys(app.keys(), &[GATEWAY_KEY]).await;
        Ok(app)
    }

    /// Starts the audit app; the patient app calls it.
    pub(super) async fn start_audit_app(
        &self,
        app: &PackagedApp,
        ports: &Ports,
        options: &LocalStackOptions,
    ) -> Result<RunningApp, LocalStackError> {
        let settings = settings::audit(&self.secrets, &self.insights);
        let app = self.start_app(app, settings, ports.audit, options).await?;
        self.secrets.add_keys(app.keys(), &[WRITING_KEY, READING_KEY]).await;
        Ok(app)
    }

    /// Creates the app's collections and starts it.
    async fn start_app(
        &self,
        app: &PackagedApp,
        mut settings: Vec<(String, String)>,
        port: u16,
        options: &LocalStackOptions,
    ) -> Result<RunningApp, LocalStackError> {
        let filter = options.log_filter.clone();
        settings.extend(filter.map(|filter| ("RUST_LOG".to_owned(), filter)));
        self.database.prepare(app, &settings).await?;
        let timers = options.state.join("timers");
        RunningApp::start(app, &settings, port, &timers, options.core_tools).await
    }
}
