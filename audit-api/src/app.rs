//! The app: its store, and the dispatch of functions by name.

use std::sync::Arc;

use shared::custom_handler::FunctionApp;
use shared::health::Health;
use shared::http::{Request, Response};
use shared::mongo::{Database, StoragePlan};
use shared::secrets::{KeyVault, LiveSecret};
use shared::{Deadline, HttpClient, Result, function};

use crate::Settings;
use crate::audit_record::AuditRecordStore;
use crate::functions::FUNCTIONS;

/// The prefix of each problem's `type`; the gateway uses the same.
pub(crate) const PROBLEM_TYPE_PREFIX: &str = "urn:problem:patient-records:";

/// The collections of this app.
pub const STORAGE: StoragePlan = StoragePlan {
    database_setting: "AUDIT_DATABASE",
    collections: &[AuditRecordStore::COLLECTION],
};

/// The Audit API.
pub struct App {
    pub(crate) audit_records: AuditRecordStore,
    pub(crate) health: Health,
    database: Arc<Database>,
    connection_string: Arc<LiveSecret>,
}

impl App {
    /// Creates the app; nothing is connected yet.
    pub fn new(settings: Settings, http: Arc<HttpClient>) -> Self {
        let vault = KeyVault::new(settings.key_vault, http);
        let connection_string = vault.live(settings.mongo.connection_string);
        let name = settings.mongo.database;
        let database = Arc::new(Database::new(name, Arc::clone(&connection_string)));
        let audit_records = AuditRecordStore::new(Arc::clone(&database));
        Self { audit_records, health: Health::default(), database, connection_string }
    }

    /// Connects ahead of the first request, and keeps the secret current for as long as it is
    /// polled.
    pub async fn run(self: Arc<Self>) {
        tokio::join!(self.database.warm_up(), self.connection_string.keep_fresh());
    }

    /// Proves that the secret has a value; reads it if no read has succeeded yet.
    pub(crate) async fn check_secrets(&self, deadline: Deadline) -> Result<()> {
        self.connection_string.get(deadline).await.map(|_| ())
    }
}

impl FunctionApp for App {
    const PROBLEM_TYPE_PREFIX: &'static str = PROBLEM_TYPE_PREFIX;

    async fn invoke(&self, name: &str, request: Request) -> Result<Response> {
        let function = function::find(&FUNCTIONS, name, &request)?;
        (function.handle)(self, request).await
    }
}
