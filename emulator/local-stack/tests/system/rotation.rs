//! Rotation of secrets and failures of Key Vault while the system runs.

use std::path::{Path, PathBuf};

use local_stack::Rotation;
use mongodb::Client;
use mongodb::bson::doc;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use stand_ins::key_vault::Fault;
use uuid::Uuid;

use crate::load::{Caller, Load};
use crate::stack::{Stack, patient};

const CALLERS: usize = 16;

/// A caller that creates, loads, updates, lists and searches; a refusal is an error.
struct MixedCaller {
    client: reqwest::Client,
    url: String,
    key: String,
}

fn start_load(stack: &Stack) -> Load<()> {
    Load::start((0..CALLERS).map(|_| MixedCaller {
        client: stack.client.clone(),
        url: stack.local.url().to_owned(),
        key: stack.local.subscription_key().to_owned(),
    }))
}

impl Caller for MixedCaller {
    type Output = ();

    async fn next(&mut self) -> Option<Result<(), String>> {
        Some(self.round().await)
    }
}

impl MixedCaller {
    async fn round(&self) -> Result<(), String> {
        let created = self.call(Method::POST, "patient", &patient()).await?;
        let path = format!("patient/{}", created["id"].as_str().unwrap_or_default());
        let mut loaded = self.call(Method::GET, &path, &Value::Null).await?;
        loaded["lastName"] = json!("Changed");
        self.call(Method::PUT, &path, &loaded).await?;
        let tests = format!("{path}/tests");
        let test = json!({"performer": "Lab", "orderReference": "O-1", "observations": []});
        self.call(Method::POST, &tests, &test).await?;
        self.call(Method::GET, &tests, &Value::Null).await?;
        self.call(Method::POST, "patient/search?limit=2", &json!({"postCode": "6011"})).await?;
        Ok(())
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Result<Value, String> {
        let call = self.client.request(method, format!("{}/{path}", self.url));
        let mut call = call.header("Ocp-Apim-Subscription-Key", &self.key);
        if !body.is_null() {
            call = call.body(body.to_string());
        }
        let response = call.send().await.map_err(|error| error.to_string())?;
        let (status, text) = (response.status(), response.text().await.unwrap_or_default());
        if !status.is_success() {
            return Err(format!("{status}: {text}"));
        }
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }
}

/// A caller that searches the audit register with the stored reading key. Like the app, it reads a
/// refused key again, which may have been replaced since it was read.
struct RegisterReader {
    client: reqwest::Client,
    url: String,
    state: PathBuf,
}

impl Caller for RegisterReader {
    type Output = ();

    async fn next(&mut self) -> Option<Result<(), String>> {
        Some(self.search().await)
    }
}

impl RegisterReader {
    async fn search(&self) -> Result<(), String> {
        let mut key = self.key();
        loop {
            let call = self.client.post(&self.url).header("x-functions-key", &key);
            let call = call.body(json!({"patientId": Uuid::now_v7()}).to_string());
            let status = call.send().await.map_err(|error| error.to_string())?.status();
            match (status, self.key()) {
                (StatusCode::OK, _) => return Ok(()),
                (StatusCode::UNAUTHORIZED, newer) if newer != key => key = newer,
                _ => return Err(format!("the register answered {status}")),
            }
        }
    }

    fn key(&self) -> String {
        stored_keys(&self.state)["auditReading"].as_str().unwrap_or_default().to_owned()
    }
}

fn stored_keys(state: &Path) -> Value {
    let file = std::fs::read(state.join("keys.json")).expect("the stack keeps its keys");
    serde_json::from_slice(&file).expect("they are JSON")
}

/// The status of a call to a host with this key.
async fn status_with(stack: &Stack, url: &str, key: &Value) -> u16 {
    let call = stack.client.post(url).header("x-functions-key", key.as_str().unwrap_or_default());
    call.body("{}").send().await.expect("the host responds").status().as_u16()
}

/// Whether a database user can log in.
async fn logs_in(administrator: &str, user: &Value) -> bool {
    let (_, server) = administrator.rsplit_once('@').expect("it names the administrator");
    let [name, password] = ["user", "password"].map(|it| user[it].as_str().unwrap_or_default());
    let client = Client::with_uri_str(format!("mongodb://{name}:{password}@{server}")).await;
    let database = client.expect("a good string").database("admin");
    database.run_command(doc! { "connectionStatus": 1 }).await.is_ok()
}

#[tokio::test]
async fn every_secret_is_rotated_twice_under_load_without_a_refusal() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let stack = Stack::start_in(folder.path()).await;
    let state = folder.path().join("server");
    let processes = stack.local.handler_process_ids();
    let administrator = stack.local.mongod().expect("its own").lock().await.connection_string();
    let mut earlier = vec![stored_keys(&state)];
    let [patient_host, audit_host] = stack.local.host_urls().map(str::to_owned);
    let patient_url = format!("{patient_host}/api/patient");
    let writing_url = format!("{audit_host}/api/auditrecord");
    let reading_url = format!("{writing_url}/search");
    let load = start_load(&stack);
    let reader = RegisterReader {
        client: stack.client.clone(),
        url: reading_url.clone(),
        state: state.clone(),
    };
    let reading = Load::start([reader]);

    for _ in 0..2 {
        for rotation in Rotation::ALL {
            load.progress(CALLERS).await;
            reading.progress(1).await;
            stack.local.rotate(rotation, |_| {}).await.expect("it is rotated");
        }
        load.progress(CALLERS).await;
        earlier.push(stored_keys(&state));
    }
    reading.stop().await;
    let rounds = load.stop().await.len();

    assert!(rounds > 8 * CALLERS, "{rounds} rounds");
    assert_eq!(stack.local.handler_process_ids(), processes);
    let now = earlier.pop().expect("there are the keys of now");
    for (url, key) in [
        (&patient_url, "patientHost"),
        (&writing_url, "auditWriting"),
        (&reading_url, "auditReading"),
    ] {
        assert_eq!(status_with(&stack, url, &now[key]).await, 400, "{key}");
        for old in &earlier {
            assert_eq!(status_with(&stack, url, &old[key]).await, 401, "{key}");
        }
    }
    for old in earlier {
        for user in ["patientDatabase", "auditDatabase"] {
            assert_ne!(old[user], now[user]);
            assert!(!logs_in(&administrator, &old[user]).await, "{user}");
            assert!(logs_in(&administrator, &now[user]).await, "{user}");
        }
    }
}

#[tokio::test]
async fn each_key_of_the_register_opens_its_own_functions_and_no_other() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let stack = Stack::start_in(folder.path()).await;
    let keys = stored_keys(&folder.path().join("server"));
    let [_, audit_host] = stack.local.host_urls();
    let record = format!("auditrecord/{}", Uuid::now_v7());

    for (method, path, key, status) in [
        (Method::POST, "auditrecord", "auditWriting", 400),
        (Method::GET, "health", "auditWriting", 200),
        (Method::POST, "auditrecord/search", "auditReading", 400),
        (Method::GET, &record, "auditReading", 404),
    ] {
        for candidate in ["auditWriting", "auditReading", "patientHost"] {
            let expected = if candidate == key { status } else { 401 };
            let call = stack.client.request(method.clone(), format!("{audit_host}/api/{path}"));
            let call = call.header("x-functions-key", keys[candidate].as_str().expect("a key"));
            let response = call.body("{}").send().await.expect("the host responds");
            assert_eq!(response.status().as_u16(), expected, "{path} with {candidate}");
        }
    }
}

#[tokio::test]
async fn a_restarted_stack_has_the_rotated_secrets() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let stack = Stack::start_in(folder.path()).await;
    let created = stack.send(Method::POST, "patient", &patient(), 201).await;
    for rotation in Rotation::ALL {
        stack.local.rotate(rotation, |_| {}).await.expect("it is rotated");
    }
    stack.local.stop().await;

    let stack = Stack::start_in(folder.path()).await;
    let path = format!("patient/{}", created["id"].as_str().expect("an id"));
    stack.send(Method::GET, &path, &Value::Null, 200).await;
}

#[tokio::test]
async fn key_vault_may_be_down_while_keys_are_valid() {
    let stack = Stack::start().await;
    for fault in [Fault::Drop, Fault::Status(503)] {
        let faults = stack.local.vault().fault_count();
        stack.local.vault().fail(Some(fault));
        let load = start_load(&stack);
        while stack.local.vault().fault_count() < faults + 3 {
            load.progress(CALLERS).await;
        }
        load.stop().await;
    }
}

#[tokio::test]
async fn a_rotation_is_requested_over_the_control_socket() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let state = folder.path().join("server");
    let nobody = local_stack::rotate(&state, Rotation::AuditWritingKey, |_| {}).await;
    let problem = format!("no stack with its state in {} runs; ", state.display());
    assert!(nobody.unwrap_err().starts_with(&problem));
    let stack = Stack::start_in(folder.path()).await;
    let before = stored_keys(&state);

    let mut progress = Vec::new();
    local_stack::rotate(&state, Rotation::AuditWritingKey, |line| progress.push(line.to_owned()))
        .await
        .expect("it is rotated");

    assert_ne!(stored_keys(&state)["auditWriting"], before["auditWriting"]);
    assert_eq!(
        progress,
        [
            "The host accepts the new key patient-tests-api-rotated in addition to patient-tests-api.",
            "Key Vault has a new version of audit-writing-key; waiting for patient-tests-api …",
            "patient-tests-api has read it.",
            "The host no longer accepts patient-tests-api.",
        ]
    );
    stack.send(Method::POST, "patient", &patient(), 201).await;
}

#[tokio::test]
async fn no_secret_is_logged_or_sent_while_used_rotated_and_unavailable() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let state = folder.path().join("server");
    let stack = Stack::start_logging(folder.path(), Some("trace")).await;
    let mut all_keys = vec![stored_keys(&state)];
    let load = start_load(&stack);
    for rotation in Rotation::ALL {
        load.progress(CALLERS).await;
        stack.local.rotate(rotation, |_| {}).await.expect("it is rotated");
        all_keys.push(stored_keys(&state));
    }
    for fault in [Fault::Status(403), Fault::Drop] {
        let faults = stack.local.vault().fault_count();
        stack.local.vault().fail(Some(fault));
        while stack.local.vault().fault_count() < faults + 3 {
            load.progress(CALLERS).await;
        }
    }
    load.stop().await;
    let bad = stack.call(Method::POST, "patient").body("{").send().await.expect("a response");
    let mut output = stack.local.logs();
    output.push(bad.text().await.expect("a problem"));
    assert!(output.iter().any(|line| line.contains("TRACE")), "the apps log at trace level");
    output.extend(stack.local.insights().items().iter().map(|item| item.envelope.to_string()));
    for process in stack.local.handler_process_ids().into_iter().flatten() {
        for file in ["cmdline", "environ"] {
            let bytes = std::fs::read(format!("/proc/{process}/{file}")).expect("it runs");
            output.push(String::from_utf8_lossy(&bytes).into_owned());
        }
    }

    let secrets = all_keys.iter().flat_map(|keys| {
        [
            "/patientHost",
            "/auditWriting",
            "/auditReading",
            "/patientDatabase/password",
            "/auditDatabase/password",
        ]
        .map(|pointer| keys.pointer(pointer).and_then(Value::as_str).expect("it is kept"))
    });
    for secret in secrets {
        for line in &output {
            assert!(!line.contains(secret), "{line}");
        }
    }
}
