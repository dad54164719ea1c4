//! The real app behind a host, with a database and an audit register of its own.

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::{Client, Collection, Database};
use serde_json::{Value, json};
use stand_ins::audit_api::{AuditApi, RecordedCall};
pub use stand_ins::eventually;
use stand_ins::mongo;
use stand_ins::test_app::{Call, Response, TestApp};
use uuid::Uuid;

/// A running Patient Tests API.
pub struct PatientTestsApi {
    pub app: TestApp,
    pub audit: AuditApi,
    pub database: Database,
}

impl PatientTestsApi {
    pub async fn start() -> Self {
        Self::start_on(&mongo::for_tests().await, &[]).await
    }

    /// Starts the app with additional or changed settings.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_on(&mongo::for_tests().await, settings).await
    }

    /// Starts the app on this MongoDB, with additional or changed settings.
    pub async fn start_on(connection_string: &str, settings: &[(&str, &str)]) -> Self {
        let audit = AuditApi::start().await;
        let database_name = format!("patient-tests-{}", Uuid::new_v4().simple());
        let mut environment = vec![
            ("MONGO_CONNECTION_STRING".to_owned(), connection_string.to_owned()),
            ("PATIENT_TESTS_DATABASE".to_owned(), database_name.clone()),
            ("AUDIT_API_URL".to_owned(), audit.url()),
            ("AUDIT_API_KEY".to_owned(), audit.key()),
            ("AUDIT_API_READING_KEY".to_owned(), audit.reading_key()),
        ];
        for (name, value) in settings {
            environment.retain(|(candidate, _)| candidate != name);
            environment.push(((*name).to_owned(), (*value).to_owned()));
        }
        let app = TestApp::start(
            env!("CARGO_MANIFEST_DIR"),
            env!("CARGO_BIN_EXE_patient-tests-api"),
            environment,
        )
        .await;
        // The test's own connection must not pass the app's proxy.
        let client = Client::with_uri_str(mongo::for_tests().await).await.expect("a good string");
        Self { app, audit, database: client.database(&database_name) }
    }

    pub fn call(&self, method: &str, path: &str) -> Call {
        self.app.call(method, path)
    }

    pub fn patients(&self) -> Collection<Document> {
        self.database.collection("patients")
    }

    pub fn tests(&self) -> Collection<Document> {
        self.database.collection("tests")
    }

    pub fn patient_versions(&self) -> Collection<Document> {
        self.database.collection("patientVersions")
    }

    /// All documents of both kinds.
    pub async fn documents(&self) -> Vec<Document> {
        let all = async |collection: Collection<Document>| {
            let found = collection.find(doc! {}).sort(doc! { "_id": 1 }).await;
            let found: Result<Vec<_>, _> = found.expect("the database replies").try_collect().await;
            found.expect("the database replies")
        };
        [all(self.patients()).await, all(self.tests()).await].concat()
    }

    /// The number of documents of both kinds.
    pub async fn documents_stored(&self) -> usize {
        self.documents().await.len()
    }

    /// The side effects so far: all documents, and the number of calls to the register. An invalid
    /// request must add none.
    pub async fn side_effects(&self) -> (Vec<Document>, usize) {
        (self.documents().await, self.audit.calls())
    }

    /// The audit records after the first `earlier`.
    pub fn records_since(&self, earlier: usize) -> Vec<RecordedCall> {
        self.audit.records().split_off(earlier)
    }

    /// The outcomes in the audit records after the first `earlier`.
    pub fn outcomes_since(&self, earlier: usize) -> Vec<String> {
        let records = self.records_since(earlier);
        records.iter().map(|record| record.body["outcome"].as_str().unwrap().to_owned()).collect()
    }

    /// Loads a patient by id.
    pub async fn load_patient(&self, id: &str) -> Response {
        self.call("GET", &format!("patient/{id}")).send().await
    }

    /// Creates a patient and returns the id.
    pub async fn create_patient(&self) -> String {
        self.create("patient", &patient()).await
    }

    /// Gives a patient another first name.
    pub async fn rename_patient(&self, id: &str, first_name: &str) -> Response {
        let mut body = patient_with("id", json!(id));
        body["firstName"] = json!(first_name);
        self.call("PUT", &format!("patient/{id}")).json(&body).expect(200).await
    }

    /// The versions of the record at `path`, newest first, each with its operation.
    pub async fn history(&self, path: &str) -> Vec<(i64, String)> {
        let listed = self.call("GET", &format!("{path}/history")).expect(200).await;
        let versions = listed.body.as_array().expect("a list").iter();
        let fact = |entry: &Value| {
            let operation = entry["operation"].as_str().expect("a word");
            (entry["version"].as_i64().expect("a number"), operation.to_owned())
        };
        versions.map(fact).collect()
    }

    /// Creates a test of a patient and returns its id.
    pub async fn create_test(&self, patient_id: &str) -> String {
        self.create(&format!("patient/{patient_id}/tests"), &medical_test()).await
    }

    async fn create(&self, path: &str, body: &Value) -> String {
        let response = self.call("POST", path).json(body).expect(201).await;
        response.body["id"].as_str().expect("a created record has an id").to_owned()
    }
}

/// A history, to be compared with [`PatientTestsApi::history`].
pub fn versions(expected: &[(i64, &str)]) -> Vec<(i64, String)> {
    expected.iter().map(|(version, operation)| (*version, (*operation).to_owned())).collect()
}

/// A patient with every field.
pub fn patient() -> Value {
    json!({
        "firstName": "Ada",
        "lastName": "Lovelace",
        "fullName": "Ada Lovelace",
        "gender": "female",
        "dateOfBirth": "1980-12-10",
        "postCode": "2000",
        "insuranceNumber": "I-815",
        "preferredContactNumber": "+61 2 5550 0000"
    })
}

/// A patient with another value in one field.
pub fn patient_with(field: &str, value: Value) -> Value {
    let mut body = patient();
    body[field] = value;
    body
}

/// A test with two observations.
pub fn medical_test() -> Value {
    json!({
        "performer": "Laboratory 4",
        "orderReference": "O-42",
        "observations": [
            {
                "id": "1", "code": "4548-4", "measurement": "5.4 %", "interpretation": "normal",
                "status": "final", "issued": "2020-05-14T15:14:15.1200+02:00"
            },
            {
                "id": "2", "code": "2345-7", "measurement": "6.10", "interpretation": "high",
                "status": "preliminary", "issued": "2020-05-14T15:14:15Z"
            }
        ]
    })
}

/// A test with another value in one field.
pub fn medical_test_with(field: &str, value: Value) -> Value {
    let mut body = medical_test();
    body[field] = value;
    body
}

/// An id that no record has.
pub fn unknown_id() -> String {
    Uuid::new_v4().to_string()
}

/// The body of an update: the loaded record, with another value in one field.
pub fn changed(loaded: &Response, field: &str, value: Value) -> Value {
    let mut body = loaded.body.clone();
    body[field] = value;
    body
}
