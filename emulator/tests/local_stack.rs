//! The whole system, started as `scripts/server` starts it, with the apps that Cargo built.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use emulator::local_stack::{LocalStack, LocalStackOptions};
use emulator::{http_client, package};
use reqwest::StatusCode;
use tempfile::TempDir;

const PATIENT: &str =
    r#"{"firstName":"Ada","gender":"female","dateOfBirth":"1980-02-29","postCode":"6011"}"#;

/// A folder like the repository's, with both apps packaged below `target/functions`.
fn workspace() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let built = PathBuf::from(env!("CARGO_BIN_EXE_emulator"));
    for app in ["patient-tests-api", "audit-api"] {
        let executable = built.with_file_name(app);
        assert!(executable.is_file(), "cargo build --workspace has not built {app}");
        let destination = folder.path().join("target/functions").join(app);
        package::assemble(
            &root.join(app),
            &root.join("host.json.template"),
            &executable,
            &destination,
        )
        .expect("packaged");
    }
    folder
}

async fn start(workspace: &TempDir) -> LocalStack {
    let target = workspace.path().join("target");
    let options = LocalStackOptions {
        functions: target.join("functions"),
        state: target.join("server"),
        connection_string: None,
        gateway_port: None,
        patient_port: None,
        audit_port: None,
        core_tools: false,
    };
    LocalStack::start(&options).await.expect("everything starts")
}

#[tokio::test]
async fn patients_and_keys_are_there_after_a_second_start() {
    let workspace = workspace();
    let client = http_client();

    let first = start(&workspace).await;
    let key = first.subscription_key().to_owned();
    let created = client
        .post(format!("{}/patient", first.url()))
        .header("Ocp-Apim-Subscription-Key", &key)
        .body(PATIENT)
        .send()
        .await
        .expect("answered");
    assert_eq!(created.status(), StatusCode::CREATED);
    let location = created.url().join(created.headers()["location"].to_str().expect("ASCII"));
    let path = location.expect("a reference").path().to_owned();
    first.stop().await;

    let second = start(&workspace).await;
    let found = client
        .get(format!("{}{path}", second.url()))
        .header("Ocp-Apim-Subscription-Key", &key)
        .send()
        .await
        .expect("answered");
    assert_eq!(found.status(), StatusCode::OK);
    let found = found.text().await.expect("a body");
    assert!(found.contains(r#""firstName":"Ada""#), "{found}");
    second.stop().await;
}

#[tokio::test]
async fn the_server_says_how_to_use_it_and_stops_when_told() {
    let workspace = workspace();
    let free = "0";
    let mut server = Command::new(env!("CARGO_BIN_EXE_emulator"))
        .args(["server", "--gateway-port", free, "--patient-port", free, "--audit-port", free])
        .current_dir(workspace.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it was built with this test");
    let output = BufReader::new(server.stdout.take().expect("it is piped"));
    let mut lines = output.lines().map_while(Result::ok);

    let introduction: Vec<String> =
        lines.by_ref().take_while(|line| line != "Ctrl-C stops everything.").collect();
    let introduction = introduction.join("\n");
    assert!(introduction.contains("Everything works."), "{introduction}");
    let curl = introduction.split_once("Create a patient:").expect("an example").1.trim();
    let created = run_in_shell(&format!("{curl} --silent --fail"));
    assert!(created.starts_with("HTTP/1.1 201"), "{created}");

    let told = Command::new("kill").args(["-s", "TERM", &server.id().to_string()]).status();
    assert!(told.is_ok_and(|status| status.success()));
    let farewell: Vec<String> = lines.collect();
    assert_eq!(
        farewell.last().map(String::as_str),
        Some("Everything has stopped. The data is kept.")
    );
    assert_eq!(exit_code(&mut server), Some(0));
}

fn run_in_shell(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).output().expect("there is a shell");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn exit_code(server: &mut Child) -> Option<i32> {
    server.wait().expect("it is ours").code()
}
