//! The real app behind a host, with a database of its own.

use mongodb::bson::Document;
use mongodb::{Client, Collection};
use serde_json::{Value, json};
use stand_ins::mongo;
use stand_ins::test_app::{Call, TestApp};
use uuid::Uuid;

/// A running Audit API.
pub struct AuditApi {
    pub app: TestApp,
    pub records: Collection<Document>,
}

impl AuditApi {
    pub async fn start() -> Self {
        Self::start_on(&mongo::for_tests().await).await
    }

    /// Starts the app on this MongoDB.
    pub async fn start_on(connection_string: &str) -> Self {
        Self::start_with(&[("MONGO_CONNECTION_STRING", connection_string)]).await
    }

    /// Starts the app with these settings and a database of its own.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let database = format!("audit-{}", Uuid::new_v4().simple());
        let own = [("AUDIT_DATABASE", database.as_str())];
        let settings = settings.iter().chain(&own);
        let settings =
            settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let executable = env!("CARGO_BIN_EXE_audit-api");
        let app = TestApp::start(env!("CARGO_MANIFEST_DIR"), executable, settings).await;
        // The test's own connection must not pass the app's proxy.
        let client = Client::with_uri_str(mongo::for_tests().await).await.expect("a good string");
        Self { app, records: client.database(&database).collection("audits") }
    }

    pub fn create(&self, record: &Value) -> Call {
        self.app.call("POST", "auditrecord").json(record)
    }
}

/// A record with every field.
pub fn record() -> Value {
    json!({
        "sourceSystemName": "PatientTestsApi",
        "resource": {
            "type": "patient",
            "operation": "search",
            "id": "7",
            "patientId": "8",
            "disclosed": ["9", "10"],
            "query": {"postCode": "2000", "dateOfBirthFrom": "1980"},
            "version": 3
        },
        "outcome": "succeeded",
        "relatesTo": "0190a6b2-1111-7abc-8def-0123456789ab",
        "actor": {
            "keyName": "default",
            "subscriptionId": "clinic-7",
            "organisation": "Clinic 7",
            "userId": "nurse-1",
            "clientId": "ward-app",
            "clientAddress": "203.0.113.9"
        },
        "purpose": "TREAT",
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736"
    })
}
