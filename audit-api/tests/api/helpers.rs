//! The real app behind a host, with a database of its own.

use std::process::Command;

use mongodb::bson::{DateTime, Document, serialize_to_document};
use mongodb::{Client, Collection, Database};
use serde::Deserialize;
use serde_json::{Value, json};
use stand_ins::mongo::{self, CollectionPlan};
use stand_ins::test_app::{Call, TestApp};
use uuid::Uuid;

/// A running Audit API.
pub struct AuditApi {
    pub app: TestApp,
    pub database: Database,
    pub records: Collection<Document>,
}

/// What `audit-api collections` prints.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub database_setting: String,
    pub collections: Vec<CollectionPlan>,
}

/// The plan of this build.
pub fn printed_plan() -> Plan {
    let mut command = Command::new(env!("CARGO_BIN_EXE_audit-api"));
    let output = command.arg("collections").env_clear().output().expect("the executable starts");
    serde_json::from_slice(&output.stdout).expect("the plan is JSON")
}

impl AuditApi {
    pub async fn start() -> Self {
        Self::start_on(&mongo::for_tests().await).await
    }

    /// Starts the app on this MongoDB.
    pub async fn start_on(connection_string: &str) -> Self {
        Self::start_with(&[("MONGO_CONNECTION_STRING", connection_string)]).await
    }

    /// Starts the app under this name, by which a fail point finds its commands; also returns the
    /// connection string for the fail point.
    pub async fn start_named(app_name: &str) -> (Self, String) {
        let connection_string = mongo::for_tests().await;
        let own = mongo::with_option(&connection_string, "appName", app_name);
        (Self::start_on(&own).await, connection_string)
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
        let database = client.database(&database);
        Self { app, records: database.collection("audits"), database }
    }

    pub fn create(&self, record: &Value) -> Call {
        self.app.call("POST", "auditrecord").json(record)
    }

    /// Searches, with this query if it is not empty.
    pub fn search(&self, query: &str, criteria: &Value) -> Call {
        self.app.call("POST", &format!("auditrecord/search{query}")).json(criteria)
    }

    /// The ids on the first page of a search.
    pub async fn found(&self, criteria: &Value) -> Vec<String> {
        ids(&self.search("", criteria).expect(200).await.body)
    }

    /// Stores a record under this date and a new id, which is returned.
    pub async fn store(&self, created_date: &str, record: &Value) -> String {
        let id = Uuid::new_v4().to_string();
        self.store_all(vec![stored(&id, created_date, record)]).await;
        id
    }

    /// Stores documents, past the app.
    pub async fn store_all(&self, documents: Vec<Document>) {
        self.records.insert_many(documents).await.expect("they are stored");
    }
}

/// The ids of the records on a page.
pub fn ids(page: &Value) -> Vec<String> {
    let records = page.as_array().expect("a page is an array").iter();
    records.map(|record| record["id"].as_str().expect("ids are texts").to_owned()).collect()
}

/// A document as the register stores it.
pub fn stored(id: &str, created_date: &str, record: &Value) -> Document {
    let mut document = serialize_to_document(record).expect("a record is a document");
    for name in ["_id", "_shardKey", "id"] {
        document.insert(name, id);
    }
    document.insert("_requestHash", "0".repeat(64));
    let created_date = DateTime::parse_rfc3339_str(created_date).expect("a date-time");
    document.insert("createdDate", created_date);
    document
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
