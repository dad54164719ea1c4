//! No secret is logged or returned, whichever dependency fails.

use serde_json::json;
use stand_ins::audit_api::Behaviour;
use stand_ins::key_vault::Fault;

use crate::helpers::{eventually, medical_test, patient};
use crate::secrets::{SecretApp, until_it_works, user};

#[tokio::test]
async fn neither_logs_nor_problems_nor_the_process_show_a_secret() {
    let app = SecretApp::start(&[("RUST_LOG", "trace"), ("SECRET_REFRESH_SECONDS", "1")]).await;
    let SecretApp { vault, mongod, api } = &app;
    let mut problems = Vec::new();

    // Successful requests.
    let id = api.create_patient().await;
    let tests = format!("patient/{id}/tests");
    let test = api.create_test(&id).await;
    for (method, path, body) in [
        ("GET", format!("patient/{id}"), json!(null)),
        ("POST", "patient/search".to_owned(), json!({})),
        ("GET", tests.clone(), json!(null)),
        ("GET", format!("{tests}/{test}"), json!(null)),
        ("POST", "patient".to_owned(), json!({"firstName": 7})),
        ("GET", "patient/none".to_owned(), json!(null)),
        ("GET", "health".to_owned(), json!(null)),
    ] {
        problems.push(api.call(method, &path).json(&body).send().await.text);
    }

    // The vault and the identity endpoint fail while secrets are refreshed.
    for fault in [Fault::Status(403), Fault::Status(429), Fault::Status(500), Fault::Drop] {
        for fail in [
            |app: &SecretApp, fault| app.vault.fail(fault),
            |app: &SecretApp, fault| {
                app.vault.fail_identities(fault);
                app.vault.fail(fault);
            },
        ] {
            let faults = vault.fault_count();
            fail(&app, Some(fault));
            eventually("it meets the fault", async || vault.fault_count() > faults).await;
            fail(&app, None);
        }
    }
    until_it_works(api).await;

    // The register refuses the key, permanently and once.
    api.audit.accept_only("canary-audit-key-2");
    problems.push(api.call("POST", "patient").json(&patient()).expect(503).await.text);
    vault.set_secret("audit-key", "canary-audit-key-2");
    until_it_works(api).await;
    api.audit.behave(Behaviour::Garbage);
    problems.push(api.call("POST", "patient").json(&patient()).expect(503).await.text);
    api.audit.behave(Behaviour::Record);

    // The register accepts neither of the keys, so the app becomes unhealthy.
    api.audit.accept_only("canary-audit-key-4");
    eventually("it is unhealthy", async || {
        let response = api.call("GET", "health").send().await;
        let is_unhealthy = response.status == 503;
        problems.push(response.text);
        is_unhealthy
    })
    .await;
    api.audit.accept_only("canary-audit-key-2");

    // The database refuses the user, permanently and once.
    let second = user("canary-user-2", "canary-password-2");
    mongod.drop_user("canary-user-1").await.unwrap();
    let refused = api.call("POST", &tests).json(&medical_test()).expect(503).await;
    problems.push(refused.text);
    mongod.set_user(&second, api.database.name()).await.unwrap();
    vault.set_secret("connection-string", &mongod.connection_string_of(&second));
    until_it_works(api).await;
    vault.set_secret("connection-string", "mongodb://canary-user-3:canary-password-3@");
    api.create_patient().await;

    assert!(problems.iter().all(|problem| !problem.contains("vault.localhost")), "{problems:?}");
    let process = api.app.host.handler_process_id().expect("it runs");
    let of_process = ["cmdline", "environ"].map(|file| {
        let bytes = std::fs::read(format!("/proc/{process}/{file}")).expect("it runs");
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let console = api.app.host.console().into_iter().map(|line| line.text);
    let logs = api.app.host.invocation_logs().into_iter().map(|log| log.text);
    let said: Vec<_> = console.chain(logs).chain(problems).collect();
    assert!(said.iter().any(|line| line.contains("TRACE")), "it says everything that it can");
    assert!(said.iter().any(|line| line.contains("a secret could not be read")));
    assert!(said.iter().any(|line| line.contains("unhealthy: ")));
    for text in said.iter().chain(&of_process) {
        assert!(!text.contains("canary-"), "{text}");
    }
    let header = vault.identity("patient-tests-api").header;
    assert!(said.iter().all(|line| !line.contains(&header)));
}
