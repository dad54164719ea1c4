//! The server of `scripts/server`, seen from its users.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use mongodb::Client;
use reqwest::Method;
use serde_json::Value;
use stand_ins::mongo;

use crate::stack::{Stack, package_apps, patient};

#[tokio::test]
async fn patients_and_keys_survive_a_restart() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let first = Stack::start_in(folder.path()).await;
    let keys = first.local.subscriptions().iter().map(|one| one.key.clone()).collect::<Vec<_>>();
    let created = first.send(Method::POST, "patient", &patient(), 201).await;
    first.local.stop().await;

    let second = Stack::start_in(folder.path()).await;

    assert!(second.local.subscriptions().iter().map(|one| &one.key).eq(&keys));
    let path = format!("patient/{}", created["id"].as_str().unwrap());
    assert_eq!(second.send(Method::GET, &path, &Value::Null, 200).await, created);
    second.local.stop().await;
}

#[tokio::test]
async fn a_location_resolves_to_the_created_patient() {
    let stack = Stack::start().await;
    let created =
        stack.call(Method::POST, "patient").body(patient().to_string()).send().await.unwrap();
    let location = created.headers()["location"].to_str().unwrap();
    let url = created.url().join(location).unwrap();

    let key = ("Ocp-Apim-Subscription-Key", stack.local.subscription_key());
    let loaded = stack.client.get(url).header(key.0, key.1).send().await.unwrap();

    assert_eq!(loaded.status().as_u16(), 200);
}

#[test]
fn the_server_prints_its_usage_and_stops_on_sigterm() {
    let workspace = tempfile::tempdir().expect("there is room for a folder");
    let mut server = server_in(workspace.path()).spawn().expect("it was built with this test");
    let output = BufReader::new(server.stdout.take().expect("it is piped"));
    let mut lines = output.lines().map_while(Result::ok);

    let introduction: Vec<String> =
        lines.by_ref().take_while(|line| line != "Ctrl-C stops everything.").collect();
    let introduction = introduction.join("\n");
    assert!(introduction.contains("Everything works."), "{introduction}");
    assert!(introduction.contains("/telemetry\n"), "{introduction}");
    for key in ["\n  subscription key   ", "\n  monitoring key     "] {
        assert!(introduction.contains(key), "{key}: {introduction}");
    }
    let curl = introduction.split_once("Create a patient:").expect("an example").1.trim();
    let created = run_in_shell(&format!("{curl} --silent --fail"));
    assert!(created.starts_with("HTTP/1.1 201"), "{created}");
    let rotation = Command::new(env!("CARGO_BIN_EXE_local-stack"))
        .args(["rotate-key", "patient-host-key", "--state"])
        .arg(workspace.path().join("target/server"))
        .output()
        .expect("it was built with this test");
    assert!(rotation.status.success(), "{rotation:?}");

    let signalled = Command::new("kill").args(["-s", "TERM", &server.id().to_string()]).status();
    assert!(signalled.is_ok_and(|status| status.success()));
    let farewell: Vec<String> = lines.collect();
    assert_eq!(
        farewell.last().map(String::as_str),
        Some("Everything has stopped. The data is kept.")
    );
    assert_eq!(exit_code(&mut server), Some(0));
}

#[tokio::test]
async fn a_given_database_is_used() {
    let workspace = tempfile::tempdir().expect("there is room for a folder");
    let given = mongo::for_tests().await;
    let mut server = server_in(workspace.path())
        .env("MONGO_CONNECTION_STRING", &given)
        .spawn()
        .expect("it was built with this test");
    let output = BufReader::new(server.stdout.take().expect("it is piped"));
    let mut lines = output.lines().map_while(Result::ok);

    assert!(lines.any(|line| line.contains("Everything works.")));

    server.kill().expect("it runs");
    server.wait().expect("it ends");
    let client = Client::with_uri_str(&given).await.expect("a good string");
    let names = client.database("patient-tests").list_collection_names().await;
    assert!(names.expect("it replies").contains(&"patients".to_owned()));
}

/// `local-stack server` on free ports, with its files in this folder.
fn server_in(workspace: &Path) -> Command {
    package_apps(&workspace.join("target/functions"));
    let free = "0";
    let mut server = Command::new(env!("CARGO_BIN_EXE_local-stack"));
    server
        .args(["server", "--gateway-port", free, "--patient-port", free, "--audit-port", free])
        .current_dir(workspace)
        .stdout(Stdio::piped());
    server
}

fn run_in_shell(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).output().expect("there is a shell");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn exit_code(server: &mut Child) -> Option<i32> {
    server.wait().expect("it is ours").code()
}
