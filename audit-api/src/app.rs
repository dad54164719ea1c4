//! The app: its store, and the dispatch of functions by name.

use std::sync::Arc;

use shared::custom_handler::FunctionApp;
use shared::http::{Request, Response};
use shared::mongo::{Database, StoragePlan};
use shared::{Error, Result};

use crate::Settings;
use crate::audit_record::AuditRecordStore;
use crate::functions::create_audit_record;

/// The collections of this app.
pub const STORAGE: StoragePlan = StoragePlan {
    database_setting: "AUDIT_DATABASE",
    collections: &[AuditRecordStore::COLLECTION],
};

/// The Audit API.
pub struct App {
    pub(crate) audit_records: AuditRecordStore,
    database: Arc<Database>,
}

impl App {
    /// The app with these settings; nothing is connected yet.
    pub fn new(settings: Settings) -> Self {
        let database = Arc::new(Database::new(settings.mongo));
        Self { audit_records: AuditRecordStore::new(Arc::clone(&database)), database }
    }

    /// Connects ahead of the first request.
    pub async fn warm_up(self: Arc<Self>) {
        self.database.warm_up().await;
    }
}

impl FunctionApp for App {
    async fn invoke(&self, function: &str, request: Request) -> Result<Response> {
        match function {
            create_audit_record::NAME => create_audit_record::handle(self, request).await,
            _ => Err(Error::UnknownFunction),
        }
    }
}
