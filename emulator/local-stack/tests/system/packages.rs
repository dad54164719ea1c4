//! The deployed zips, unpacked and run as on Azure.

use std::fs::File;
use std::path::Path;

use reqwest::Method;
use serde_json::Value;
use zip::ZipArchive;

use crate::stack::{APPS, Stack, package_apps, patient};

#[tokio::test]
async fn packed_apps_serve_requests() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    package_apps(folder.path());
    for app in APPS {
        let zip = folder.path().join(format!("{app}.zip"));
        local_stack::zip::pack(&folder.path().join(app), &zip).expect("an app can be packed");
    }

    serve_a_patient(folder.path()).await;
}

/// Tests the packages that `scripts/package` has built for Azure.
#[tokio::test]
#[ignore = "scripts/package takes minutes; scripts/test-packages runs it, and this"]
async fn released_packages_serve_requests() {
    serve_a_patient(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/packages")).await;
}

async fn serve_a_patient(zips: &Path) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let functions = folder.path().join("functions");
    for app in APPS {
        let zip = File::open(zips.join(format!("{app}.zip"))).expect("scripts/package made it");
        ZipArchive::new(zip).unwrap().extract(functions.join(app)).unwrap();
    }

    let stack = Stack::start_packaged(&functions, folder.path(), None).await;
    let created = stack.send(Method::POST, "patient", &patient(), 201).await;

    let path = format!("patient/{}", created["id"].as_str().unwrap());
    assert_eq!(stack.send(Method::GET, &path, &Value::Null, 200).await, created);
}
