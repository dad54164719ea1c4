//! Parts that die under load: what was acknowledged is there, once, and with its audit record.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Document, doc};
use reqwest::Method;
use tokio::task::JoinSet;

use crate::stack::{Stack, json_of, patient};

const CALLERS: usize = 8;
const PATIENTS_PER_CALLER: usize = 25;

/// Creates that each caller repeats, with the same key, until they are acknowledged.
struct Load {
    callers: JoinSet<()>,
    acknowledged: Arc<Mutex<Vec<String>>>,
    done: Arc<AtomicUsize>,
}

impl Load {
    fn start(stack: &Stack) -> Self {
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let done = Arc::new(AtomicUsize::new(0));
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let (acknowledged, done) = (Arc::clone(&acknowledged), Arc::clone(&done));
            let call = stack.call(Method::POST, "patient").body(patient().to_string());
            callers.spawn(async move {
                for number in 0..PATIENTS_PER_CALLER {
                    let call = call.try_clone().unwrap();
                    let call = call.header("Idempotency-Key", format!("{caller}-{number}"));
                    let id = create_for_certain(&call).await;
                    acknowledged.lock().unwrap().push(id);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self { callers, acknowledged, done }
    }

    /// Waits until some of the work is done, so that what happens next happens in its midst.
    async fn is_under_way(&self) {
        let some = CALLERS * PATIENTS_PER_CALLER / 10;
        let limit = tokio::time::timeout(Duration::from_secs(60), async {
            while self.done.load(Ordering::Relaxed) < some {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        limit.await.expect("the callers make progress");
        assert!(self.done.load(Ordering::Relaxed) < CALLERS * PATIENTS_PER_CALLER);
    }

    async fn finish(mut self) -> Vec<String> {
        let all = async { while self.callers.join_next().await.transpose().unwrap().is_some() {} };
        let limit = tokio::time::timeout(Duration::from_secs(120), all);
        limit.await.expect("the system recovers");
        std::mem::take(&mut *self.acknowledged.lock().unwrap())
    }
}

/// Repeats a create until it is acknowledged; nothing but a server's trouble may be in the way.
async fn create_for_certain(call: &reqwest::RequestBuilder) -> String {
    loop {
        let Ok(response) = call.try_clone().unwrap().send().await else { continue };
        match response.status().as_u16() {
            201 => return json_of(response, 201).await["id"].as_str().unwrap().to_owned(),
            429 | 500 | 503 => {}
            _ => panic!("{response:?}"),
        }
    }
}

#[tokio::test]
async fn a_database_that_is_killed_under_load_loses_nothing() {
    let mut stack = Stack::start().await;
    let load = Load::start(&stack);
    load.is_under_way().await;

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
    let load = Load::start(&stack);
    load.is_under_way().await;

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

/// One patient for each key, all of them there, each version named by a record of the register.
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
