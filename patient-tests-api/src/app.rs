//! The app: its stores, its audit register, and the dispatch of functions by name.

use std::sync::Arc;

use shared::custom_handler::FunctionApp;
use shared::health::Health;
use shared::http::{Request, Response};
use shared::mongo::{Database, StoragePlan};
use shared::secrets::{KeyVault, LiveSecret};
use shared::{Deadline, Error, HttpClient, Result, page};

use crate::Settings;
use crate::audit::{AuditRegister, Audited};
use crate::functions::{
    create_patient, create_test, delete_patient, delete_test, health, load_patient, load_test,
    search_patient, update_patient, update_test,
};
use crate::medical_test::MedicalTestStore;
use crate::patient::PatientStore;

/// The collections of this app.
pub const STORAGE: StoragePlan = StoragePlan {
    database_setting: "PATIENT_TESTS_DATABASE",
    collections: &[PatientStore::COLLECTION, MedicalTestStore::COLLECTION],
};

/// The Patient Tests API.
pub struct App {
    pub(crate) audit: AuditRegister,
    pub(crate) patients: PatientStore,
    pub(crate) tests: MedicalTestStore,
    pub(crate) health: Health,
    database: Arc<Database>,
    secrets: [Arc<LiveSecret>; 2],
}

impl App {
    /// The app with these settings; nothing is connected yet.
    pub fn new(settings: Settings, http: Arc<HttpClient>) -> Self {
        let vault = KeyVault::new(settings.key_vault, Arc::clone(&http));
        let connection_string = vault.live(settings.mongo.connection_string);
        let audit_key = vault.live(settings.audit.key);
        let secrets = [Arc::clone(&connection_string), Arc::clone(&audit_key)];
        let database = Arc::new(Database::new(settings.mongo.database, connection_string));
        Self {
            audit: AuditRegister::new(settings.audit.urls, audit_key, http),
            patients: PatientStore::new(Arc::clone(&database)),
            tests: MedicalTestStore::new(Arc::clone(&database)),
            health: Health::default(),
            database,
            secrets,
        }
    }

    /// Connects ahead of the first request, and keeps the secrets current from then on.
    pub async fn run(self: Arc<Self>) {
        let [connection_string, audit_key] = &self.secrets;
        tokio::join!(
            self.database.warm_up(),
            self.audit.warm_up(),
            connection_string.keep_fresh(),
            audit_key.keep_fresh(),
        );
    }

    /// Makes sure that there is a value of each secret; one that never was read is read.
    pub(crate) async fn check_secrets(&self, deadline: Deadline) -> Result<()> {
        let [connection_string, audit_key] = &self.secrets;
        tokio::try_join!(connection_string.get(deadline), audit_key.get(deadline)).map(|_| ())
    }
}

impl FunctionApp for App {
    async fn invoke(&self, function: &str, request: Request) -> Result<Response> {
        request.check_query(query_parameters(function, &request))?;
        self.dispatch(function, request).await.map(Audited::into_response)
    }
}

impl App {
    async fn dispatch(&self, function: &str, request: Request) -> Result<Audited> {
        match function {
            create_patient::NAME => create_patient::handle(self, request).await,
            create_test::NAME => create_test::handle(self, request).await,
            delete_patient::NAME => delete_patient::handle(self, request).await,
            delete_test::NAME => delete_test::handle(self, request).await,
            health::NAME => health::handle(self, request).await,
            load_patient::NAME => load_patient::handle(self, request).await,
            load_test::NAME => load_test::handle(self, request).await,
            search_patient::NAME => search_patient::handle(self, request).await,
            update_patient::NAME => update_patient::handle(self, request).await,
            update_test::NAME => update_test::handle(self, request).await,
            _ => Err(Error::UnknownFunction),
        }
    }
}

/// The query parameters that a function takes; whatever is not named here takes none.
fn query_parameters(function: &str, request: &Request) -> &'static [&'static str] {
    match function {
        search_patient::NAME => page::PARAMETERS,
        load_test::NAME if request.param("testId").is_none() => page::PARAMETERS,
        _ => &[],
    }
}
