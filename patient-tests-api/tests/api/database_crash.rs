//! A database that is killed under load: acknowledged writes are stored once, with their records.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::TryStreamExt;
use futures_util::future::join_all;
use mongodb::Client;
use mongodb::bson::{Document, doc};
use serde_json::json;
use stand_ins::mongo::{Mongod, MongodOptions};
use stand_ins::test_app::Response;

use crate::helpers::{PatientTestsApi, eventually, patient_with};

const CALLERS: usize = 4;
const PATIENTS_EACH: usize = 15;

#[tokio::test]
async fn no_acknowledged_write_is_lost_or_duplicated() {
    let mut mongod = Mongod::start(MongodOptions::default()).await.unwrap();
    let api = Arc::new(PatientTestsApi::start_on(&mongod.connection_string(), &[]).await);
    let done = Arc::new(AtomicUsize::new(0));
    let callers = (0..CALLERS).map(|caller| {
        let (api, done) = (Arc::clone(&api), Arc::clone(&done));
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for number in 0..PATIENTS_EACH {
                acknowledged.push(create_for_certain(&api, &format!("{caller}-{number}")).await);
                done.fetch_add(1, Ordering::Relaxed);
            }
            acknowledged
        })
    });
    let callers: Vec<_> = callers.collect();
    eventually("the work is under way", async || done.load(Ordering::Relaxed) >= 10).await;

    mongod.kill();
    assert!(done.load(Ordering::Relaxed) < CALLERS * PATIENTS_EACH, "it was not yet over");
    mongod.restart().await.unwrap();

    let mut acknowledged = HashMap::new();
    for caller in join_all(callers).await {
        for response in caller.unwrap() {
            acknowledged.insert(response.body["id"].as_str().unwrap().to_owned(), response);
        }
    }
    let client = Client::with_uri_str(&mongod.connection_string()).await.unwrap();
    let patients = client.database(api.database.name()).collection::<Document>("patients");
    let documents: Vec<_> = patients.find(doc! {}).await.unwrap().try_collect().await.unwrap();
    let records: HashSet<_> = api.audit.records().into_iter().map(|record| record.id).collect();
    assert_eq!(acknowledged.len(), CALLERS * PATIENTS_EACH);
    assert_eq!(documents.len(), CALLERS * PATIENTS_EACH);
    for document in documents {
        let response = &acknowledged[document.get_str("_id").unwrap()];
        assert_eq!(response.body["insuranceNumber"], document.get_str("insuranceNumber").unwrap());
        assert_eq!(document.get_i64("_version").unwrap(), 1);
        assert!(records.contains(document.get_str("_auditId").unwrap()), "{document}");
    }
}

/// Repeats a create with the same key until it is acknowledged; only errors of the database may
/// delay it.
async fn create_for_certain(api: &PatientTestsApi, key: &str) -> Response {
    loop {
        let call = api.call("POST", "patient").header("Idempotency-Key", key);
        let response = call.json(&patient_with("insuranceNumber", json!(key))).send().await;
        match response.status {
            201 => return response,
            503 => {}
            _ => panic!("{response:#?}"),
        }
    }
}
