//! The app: its stores, its client of the audit register, and the dispatch of functions by name.

use std::sync::Arc;

use shared::custom_handler::{FunctionApp, TimerRun};
use shared::health::Health;
use shared::http::{Request, Response};
use shared::mongo::{Database, StoragePlan};
use shared::secrets::{KeyVault, LiveSecret};
use shared::{Deadline, HttpClient, Result, Timestamp, function, telemetry};

use crate::audit::{AuditRegister, Audited};
use crate::functions::{FUNCTIONS, Handler, TIMERS};
use crate::ids::PatientTag;
use crate::medical_test::MedicalTestStore;
use crate::patient::PatientStore;
use crate::reconciliation::ReportStore;
use crate::settings::PurposeOfUse;
use crate::{Settings, purpose};

/// The prefix of each problem's `type`; the gateway uses the same.
pub(crate) const PROBLEM_TYPE_PREFIX: &str = "urn:problem:patient-records:";

/// The collections of this app.
pub const STORAGE: StoragePlan = StoragePlan {
    database_setting: "PATIENT_TESTS_DATABASE",
    collections: &[
        PatientStore::COLLECTION,
        PatientStore::HISTORY,
        MedicalTestStore::COLLECTION,
        MedicalTestStore::HISTORY,
        ReportStore::COLLECTION,
    ],
};

/// The Patient Tests API.
pub struct App {
    pub(crate) audit: AuditRegister,
    pub(crate) patients: PatientStore,
    pub(crate) medical_tests: MedicalTestStore,
    pub(crate) reports: ReportStore,
    /// When this process started.
    pub(crate) started: Timestamp,
    pub(crate) health: Health,
    purpose_of_use: PurposeOfUse,
    database: Arc<Database>,
    secrets: [Arc<LiveSecret>; 3],
}

impl App {
    /// Creates the app; nothing is connected yet.
    pub fn new(settings: Settings, http: Arc<HttpClient>) -> Self {
        let vault = KeyVault::new(settings.key_vault, Arc::clone(&http));
        let connection_string = vault.live(settings.mongo.connection_string);
        let audit_key = vault.live(settings.audit.key);
        let reading_key = vault.live(settings.audit.reading_key);
        let secrets = [&connection_string, &audit_key, &reading_key].map(Arc::clone);
        let database = Arc::new(Database::new(settings.mongo.database, connection_string));
        Self {
            audit: AuditRegister::new(settings.audit.urls, audit_key, reading_key, http),
            reports: ReportStore::new(&database),
            started: Timestamp::now(),
            patients: PatientStore::new(&database),
            medical_tests: MedicalTestStore::new(&database),
            health: Health::default(),
            purpose_of_use: settings.purpose_of_use,
            database,
            secrets,
        }
    }

    /// Connects ahead of the first request, and keeps the secrets current for as long as it is
    /// polled.
    pub async fn run(self: Arc<Self>) {
        let [connection_string, audit_key, reading_key] = &self.secrets;
        tokio::join!(
            self.database.warm_up(),
            self.audit.warm_up(),
            connection_string.keep_fresh(),
            audit_key.keep_fresh(),
            reading_key.keep_fresh(),
        );
    }

    /// Proves that each secret has a value; reads those for which no read has succeeded yet.
    pub(crate) async fn check_secrets(&self, deadline: Deadline) -> Result<()> {
        let [connection_string, audit_key, reading_key] = &self.secrets;
        tokio::try_join!(
            connection_string.get(deadline),
            audit_key.get(deadline),
            reading_key.get(deadline),
        )
        .map(|_| ())
    }
}

impl FunctionApp for App {
    const PROBLEM_TYPE_PREFIX: &'static str = PROBLEM_TYPE_PREFIX;

    async fn invoke(&self, name: &str, request: Request) -> Result<Response> {
        let function = function::find(&FUNCTIONS, name, &request)?;
        let Handler { attempt, run } = &function.handle;
        if let Ok(id) = request.id_param::<PatientTag>("patientId") {
            telemetry::add_id("patient.id", id);
        }
        if let Some(scope) = function.scope {
            purpose::check(self.purpose_of_use, &request)?;
            if !request.has_scope(scope) {
                return Err(self.audit.refuse(&request, attempt.clone()).await);
            }
        }
        run(self, request).await.map(Audited::into_response)
    }

    async fn run_timer(&self, name: &str, run: TimerRun) -> Result<()> {
        let function = function::find_timer(&TIMERS, name)?;
        (function.handle)(self, run).await
    }
}
