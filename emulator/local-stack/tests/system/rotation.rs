//! Secrets change, or cannot be read, while everything runs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use local_stack::Rotation;
use mongodb::Client;
use mongodb::bson::doc;
use reqwest::Method;
use serde_json::{Value, json};
use stand_ins::key_vault::Fault;
use tokio::task::JoinSet;

use crate::stack::{Stack, patient};

const CALLERS: usize = 16;

/// Callers that create, load, update, list and search until told to stop; each first refusal ends
/// its caller.
struct Load {
    callers: JoinSet<Result<(), String>>,
    responses: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Load {
    fn start(stack: &Stack) -> Self {
        let (responses, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let caller = Caller {
                client: stack.client.clone(),
                url: stack.local.url().to_owned(),
                key: stack.local.subscription_key().to_owned(),
                responses: Arc::clone(&responses),
            };
            let stop = Arc::clone(&stop);
            callers.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    caller.round().await?;
                }
                Ok(())
            });
        }
        Self { callers, responses, stop }
    }

    /// Waits until every caller has had some more answers.
    async fn goes_on(&self) {
        let enough = self.responses.load(Ordering::Relaxed) + 5 * CALLERS;
        let progress = async {
            while self.responses.load(Ordering::Relaxed) < enough {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let limit = tokio::time::timeout(Duration::from_secs(60), progress);
        limit.await.expect("the callers make progress");
    }

    /// Stops all callers and insists that none was refused anything.
    async fn ends_well(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(caller) = self.callers.join_next().await {
            caller.expect("a caller does not panic").expect("nothing is refused");
        }
        self.responses.load(Ordering::Relaxed)
    }
}

struct Caller {
    client: reqwest::Client,
    url: String,
    key: String,
    responses: Arc<AtomicUsize>,
}

impl Caller {
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
        self.responses.fetch_add(1, Ordering::Relaxed);
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }
}

fn kept_keys(state: &Path) -> Value {
    let file = std::fs::read(state.join("keys.json")).expect("the stack keeps its keys");
    serde_json::from_slice(&file).expect("they are JSON")
}

/// What a host answers to a call with this key.
async fn status_with(stack: &Stack, url: String, key: &Value) -> u16 {
    let call = stack.client.post(url).header("x-functions-key", key.as_str().unwrap_or_default());
    call.body("{}").send().await.expect("the host answers").status().as_u16()
}

/// Whether a database user of these keys may still log in.
async fn logs_in(administrator: &str, user: &Value) -> bool {
    let (_, server) = administrator.rsplit_once('@').expect("it names the administrator");
    let [name, password] = ["user", "password"].map(|it| user[it].as_str().unwrap_or_default());
    let client = Client::with_uri_str(format!("mongodb://{name}:{password}@{server}")).await;
    let database = client.expect("a good string").database("admin");
    database.run_command(doc! { "connectionStatus": 1 }).await.is_ok()
}

#[tokio::test]
async fn every_secret_is_rotated_twice_under_load_and_nothing_is_refused() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let stack = Stack::start_in(folder.path()).await;
    let state = folder.path().join("server");
    let processes = stack.local.handler_process_ids();
    let administrator = stack.local.mongod().expect("its own").lock().await.connection_string();
    let mut earlier = vec![kept_keys(&state)];
    let load = Load::start(&stack);

    for _ in 0..2 {
        for rotation in Rotation::ALL {
            load.goes_on().await;
            stack.local.rotate(rotation, |_| {}).await.expect("it is rotated");
        }
        load.goes_on().await;
        earlier.push(kept_keys(&state));
    }
    let responses = load.ends_well().await;

    assert!(responses > 16 * CALLERS, "{responses} answers");
    assert_eq!(stack.local.handler_process_ids(), processes);
    let now = earlier.pop().expect("there are the keys of now");
    let [patient_host, audit_host] = stack.local.host_urls().map(str::to_owned);
    let patient_url = format!("{patient_host}/api/patient");
    let audit_url = format!("{audit_host}/api/auditrecord");
    assert_eq!(status_with(&stack, patient_url.clone(), &now["patientHost"]).await, 400);
    assert_eq!(status_with(&stack, audit_url.clone(), &now["auditHost"]).await, 400);
    for old in earlier {
        assert_eq!(status_with(&stack, patient_url.clone(), &old["patientHost"]).await, 401);
        assert_eq!(status_with(&stack, audit_url.clone(), &old["auditHost"]).await, 401);
        for user in ["patientDatabase", "auditDatabase"] {
            assert_ne!(old[user], now[user]);
            assert!(!logs_in(&administrator, &old[user]).await, "{user}");
            assert!(logs_in(&administrator, &now[user]).await, "{user}");
        }
    }
}

#[tokio::test]
async fn a_stack_starts_again_with_the_secrets_that_it_was_given_last() {
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
async fn key_vault_may_be_down_as_long_as_keys_stay_valid() {
    let stack = Stack::start().await;
    for fault in [Fault::Drop, Fault::Status(503)] {
        let faults = stack.local.vault().fault_count();
        stack.local.vault().fail(Some(fault));
        let load = Load::start(&stack);
        while stack.local.vault().fault_count() < faults + 3 {
            load.goes_on().await;
        }
        load.ends_well().await;
    }
}

#[tokio::test]
async fn a_rotation_is_asked_for_over_the_socket_of_the_stack() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let state = folder.path().join("server");
    let nobody = local_stack::rotate(&state, Rotation::AuditHostKey, |_| {}).await;
    let problem = format!("no stack with its state in {} runs; ", state.display());
    assert!(nobody.unwrap_err().starts_with(&problem));
    let stack = Stack::start_in(folder.path()).await;
    let before = kept_keys(&state);

    let mut said = Vec::new();
    local_stack::rotate(&state, Rotation::AuditHostKey, |line| said.push(line.to_owned()))
        .await
        .expect("it is rotated");

    assert_ne!(kept_keys(&state)["auditHost"], before["auditHost"]);
    assert_eq!(
        said,
        [
            "The host accepts the new key patient-tests-api-rotated beside patient-tests-api.",
            "Key Vault has a new version of audit-host-key; waiting for patient-tests-api …",
            "patient-tests-api has read it.",
            "The host no longer accepts patient-tests-api.",
        ]
    );
    stack.send(Method::POST, "patient", &patient(), 201).await;
}

#[tokio::test]
async fn no_secret_of_the_system_shows_anywhere_while_it_is_used_rotated_and_out_of_reach() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let state = folder.path().join("server");
    let stack = Stack::start_logging(folder.path(), Some("trace")).await;
    let mut kept = vec![kept_keys(&state)];
    let load = Load::start(&stack);
    for rotation in Rotation::ALL {
        load.goes_on().await;
        stack.local.rotate(rotation, |_| {}).await.expect("it is rotated");
        kept.push(kept_keys(&state));
    }
    for fault in [Fault::Status(403), Fault::Drop] {
        let faults = stack.local.vault().fault_count();
        stack.local.vault().fail(Some(fault));
        while stack.local.vault().fault_count() < faults + 3 {
            load.goes_on().await;
        }
    }
    load.ends_well().await;
    let bad = stack.call(Method::POST, "patient").body("{").send().await.expect("an answer");
    let mut said = stack.local.logs();
    said.push(bad.text().await.expect("a problem"));
    assert!(said.iter().any(|line| line.contains("TRACE")), "it says everything that it can");
    said.extend(stack.local.insights().items().iter().map(|item| item.envelope.to_string()));
    for process in stack.local.handler_process_ids().into_iter().flatten() {
        for file in ["cmdline", "environ"] {
            let bytes = std::fs::read(format!("/proc/{process}/{file}")).expect("it runs");
            said.push(String::from_utf8_lossy(&bytes).into_owned());
        }
    }

    let secrets = kept.iter().flat_map(|keys| {
        ["/patientHost", "/auditHost", "/patientDatabase/password", "/auditDatabase/password"]
            .map(|pointer| keys.pointer(pointer).and_then(Value::as_str).expect("it is kept"))
    });
    for secret in secrets {
        for line in &said {
            assert!(!line.contains(secret), "{line}");
        }
    }
}
