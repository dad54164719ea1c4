//! The error messages of the command line.

use std::path::Path;
use std::process::{Command, Output};

fn local_stack(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_local-stack"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the executable was built with this test")
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_taken_port_is_named_with_the_option_that_chooses_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port().to_string();

    let output = local_stack(folder.path(), &["server", "--gateway-port", &port]);

    let expected = format!(
        "local-stack: port {port} is taken. Choose another one for the gateway with --gateway-port\n"
    );
    assert_eq!(complaint(&output), expected);
}

#[test]
fn apps_that_are_not_packaged_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let free = "0";

    let output = local_stack(
        folder.path(),
        &["server", "--gateway-port", free, "--patient-port", free, "--audit-port", free],
    );

    let complaint = complaint(&output);
    assert!(
        complaint.starts_with("local-stack: patient-tests-api cannot be started"),
        "{complaint}"
    );
    assert!(
        complaint.ends_with(": it is not packaged. Run scripts/package --debug\n"),
        "{complaint}"
    );
    assert!(!folder.path().join("target").exists(), "nothing is left behind");
}

#[test]
fn the_policies_are_printed_with_the_values_that_made_them() {
    let output = local_stack(Path::new("."), &["policies"]);

    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let renderings = printed.as_array().expect("a list");
    let caller = renderings.iter().find(|rendering| rendering["file"] == "caller.xml.tftpl");
    let caller = caller.expect("it is a policy");
    assert_eq!(caller["values"]["body_bytes_max"], 1_048_576);
    assert!(caller["text"].as_str().is_some_and(|text| text.contains("Length &gt; 1048576)")));
}
