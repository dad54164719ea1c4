//! Parts that are killed under load: each acknowledged patient is stored once, with its audit record.

use std::collections::HashSet;

use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Document, doc};
use reqwest::Method;

use crate::load::{Caller, Load};
use crate::stack::{Stack, json_of, patient};

const CALLERS: usize = 8;
const PATIENTS_PER_CALLER: usize = 25;

/// Creates patients, and repeats each create with the same key until it is acknowledged.
struct CreatingCaller {
    call: reqwest::RequestBuilder,
    caller: usize,
    created: usize,
}

impl Caller for CreatingCaller {
    type Output = String;

    async fn next(&mut self) -> Option<Result<String, String>> {
        if self.created == PATIENTS_PER_CALLER {
            return None;
        }
        let key = format!("{}-{}", self.caller, self.created);
        let call = self.call.try_clone().unwrap().header("Idempotency-Key", key);
        self.created += 1;
        Some(Ok(create_for_certain(&call).await))
    }
}

/// Starts callers and waits until a tenth of the work is done.
async fn start_load(stack: &Stack) -> Load<String> {
    let call = || stack.call(Method::POST, "patient").body(patient().to_string());
    let load =
        Load::start((0..CALLERS).map(|caller| CreatingCaller { call: call(), caller, created: 0 }));
    load.progress(CALLERS * PATIENTS_PER_CALLER / 10).await;
    assert!(load.count() < CALLERS * PATIENTS_PER_CALLER, "the fault must come during the load");
    load
}

/// Repeats a create until it is acknowledged; only connection errors, 429, 500 and 503 are retried.
async fn create_for_certain(call: &reqwest::RequestBuilder) -> String {
    loop {
        let Ok(response) = call.try_clone().unwrap().send().await else { continue };
        match response.status().as_u16() {
            201 => return json_of(response, 201).await["id"].as_str().unwrap().to_owned(),
            429 | 500 | 503 => {}
            _ => panic!("a create must succeed or be retried: {response:?}"),
        }
    }
}

#[tokio::test]
async fn a_database_that_is_killed_under_load_loses_nothing() {
    let mut stack = Stack::start().await;
    let load = start_load(&stack).await;

    let mut mongod = stack.local.mongod().unwrap().lock().await;
    mongod.kill();
    mongod.restart().await.unwrap();
    drop(mongod);

    let acknowledged = load.finish().await;
    check(&mut stack, &acknowledged).await;
}

#[tokio::test]
async fn handlers_that_are_killed_under_load_lose_nothing() {
    let mut stack = Stack::start().await;
    let load = start_load(&stack).await;

    for process_id in stack.local.handler_process_ids() {
        kill(process_id.expect("both handlers run"));
    }

    let acknowledged = load.finish().await;
    check(&mut stack, &acknowledged).await;
}

fn kill(process_id: u32) {
    let killed = std::process::Command::new("kill").args(["-9", &process_id.to_string()]).status();
    assert!(killed.unwrap().success());
}

/// Checks that there is one patient per key, each announced by an audit record.
async fn check(stack: &mut Stack, acknowledged: &[String]) {
    assert_eq!(acknowledged.len(), CALLERS * PATIENTS_PER_CALLER);
    let acknowledged: HashSet<_> = acknowledged.iter().cloned().collect();
    let patients = all(&stack.patients().await).await;
    let stored: HashSet<_> = patients.iter().map(|patient| text(patient, "_id")).collect();
    assert_eq!(stored, acknowledged);

    let announced: HashSet<_> = all(&stack.audits().await)
        .await
        .iter()
        .filter(|record| record.get_str("outcome").ok() == Some("intended"))
        .map(|record| (text(record, "_id"), text(record.get_document("resource").unwrap(), "id")))
        .collect();
    for patient in &patients {
        let named = (text(patient, "_auditId"), text(patient, "_id"));
        assert!(announced.contains(&named), "no record announced {named:?}");
    }
}

async fn all(collection: &Collection<Document>) -> Vec<Document> {
    collection.find(doc! {}).await.unwrap().try_collect().await.unwrap()
}

fn text(document: &Document, name: &str) -> String {
    document.get_str(name).unwrap().to_owned()
}
