//! The system of `scripts/server`, with the apps that Cargo built.

use std::path::Path;

use local_stack::{LocalStack, LocalStackOptions};
use mongodb::bson::Document;
use mongodb::{Client, Collection};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use stand_ins::{http_client, package};
use tempfile::TempDir;

pub const APPS: [&str; 2] = ["patient-tests-api", "audit-api"];

/// A running system with a mongod of its own.
pub struct Stack {
    pub local: LocalStack,
    pub client: reqwest::Client,
    _folder: Option<TempDir>,
}

impl Stack {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let stack = Self::start_in(folder.path()).await;
        Self { _folder: Some(folder), ..stack }
    }

    /// Starts the system with a state folder that may exist.
    pub async fn start_in(folder: &Path) -> Self {
        Self::start_logging(folder, None).await
    }

    /// Starts the system with a `RUST_LOG` for both apps.
    pub async fn start_logging(folder: &Path, log_filter: Option<&str>) -> Self {
        let functions = folder.join("functions");
        package_apps(&functions);
        Self::start_packaged(&functions, folder, log_filter).await
    }

    /// Starts the apps that are packaged in `functions`.
    pub async fn start_packaged(functions: &Path, folder: &Path, log_filter: Option<&str>) -> Self {
        let log_filter = log_filter.map(str::to_owned);
        Self::start_with(functions, folder, |options| options.log_filter = log_filter).await
    }

    /// Starts the system with other options.
    pub async fn start_with(
        functions: &Path,
        folder: &Path,
        change: impl FnOnce(&mut LocalStackOptions),
    ) -> Self {
        let mut options = LocalStackOptions {
            functions: functions.to_owned(),
            state: folder.join("server"),
            connection_string: None,
            gateway_port: None,
            patient_port: None,
            audit_port: None,
            mongod_port: None,
            rate_limit_per_minute: None,
            quota_per_day: None,
            tokens: None,
            core_tools: false,
            faults: false,
            secret_refresh_interval: std::time::Duration::from_secs(1),
            log_filter: None,
        };
        change(&mut options);
        let local = LocalStack::start(&options).await.expect("everything starts");
        Self { local, client: http_client(), _folder: None }
    }

    /// A request through the gateway, with the developers' key.
    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.call_with(self.local.subscription_key(), method, path)
    }

    /// A request through the gateway with another key.
    pub fn call_with(&self, key: &str, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}/{path}", self.local.url()))
            .header("Ocp-Apim-Subscription-Key", key)
    }

    /// Sends a JSON body and asserts the status.
    pub async fn send(&self, method: Method, path: &str, body: &Value, status: u16) -> Value {
        let call = self.call(method, path);
        let call = if body.is_null() { call } else { call.body(body.to_string()) };
        json_of(call.send().await.expect("the gateway responds"), status).await
    }

    pub async fn patients(&mut self) -> Collection<Document> {
        self.collection("patient-tests", "patients").await
    }

    pub async fn audits(&mut self) -> Collection<Document> {
        self.collection("audit", "audits").await
    }

    pub async fn collection(&mut self, database: &str, name: &str) -> Collection<Document> {
        let mongod = self.local.mongod().expect("the stack has a mongod of its own");
        let address = mongod.lock().await.connection_string();
        let client = Client::with_uri_str(address).await.expect("a good string");
        client.database(database).collection(name)
    }
}

/// The body of a response, whose status is asserted; null without a body.
pub async fn json_of(response: Response, status: u16) -> Value {
    let (actual, text) =
        (response.status().as_u16(), response.text().await.expect("a complete response"));
    assert_eq!(actual, status, "{text}");
    serde_json::from_str(&text).unwrap_or_default()
}

pub fn patient() -> Value {
    json!({"firstName": "Ada", "gender": "female", "dateOfBirth": "1980-02-29", "postCode": "6011"})
}

/// Packages both apps in this folder.
pub fn package_apps(functions: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = Path::new(env!("CARGO_BIN_EXE_local-stack"));
    for app in APPS {
        let executable = built.with_file_name(app);
        assert!(executable.is_file(), "cargo build --workspace has not built {app}");
        let template = root.join("host.json.template");
        package::assemble(&root.join(app), &template, &executable, &functions.join(app))
            .expect("an app can be packaged");
    }
}
