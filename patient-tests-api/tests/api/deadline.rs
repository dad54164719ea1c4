//! Every request gets a response by its deadline, whichever dependency hangs. All in one test,
//! since each case takes as long as an invocation may: they run concurrently.

use std::time::Duration;

use futures_util::future::join_all;
use mongodb::bson::doc;
use stand_ins::audit_api::Behaviour;
use stand_ins::mongo::{self, Proxy};

use crate::every_function::{Stocked, assert_discloses_nothing, assert_unavailable};
use crate::helpers::{PatientTestsApi, medical_test, patient, unknown_id};

/// The deadline of an invocation is 20 seconds; the rest allows for a busy machine.
const RESPONSE_LIMIT: Duration = Duration::from_secs(25);

#[tokio::test]
async fn a_hanging_dependency_is_unavailable_by_the_deadline() {
    tokio::join!(
        a_hanging_register(),
        a_hanging_database(),
        a_database_that_is_down(),
        a_database_that_never_stops_throttling(),
    );
}

async fn a_hanging_register() {
    let stocked = Stocked::start().await;
    let before = stocked.api.documents().await;
    let recorded = stocked.api.audit.records().len();
    stocked.api.audit.behave(Behaviour::Hang);

    let responses = join_all(stocked.calls().into_iter().map(|call| call.send()));
    for response in tokio::time::timeout(RESPONSE_LIMIT, responses).await.expect("in time") {
        assert_unavailable(&response, "The audit register");
    }

    assert_eq!(stocked.api.documents().await, before);
    assert_eq!(stocked.api.audit.records().len(), recorded);
}

async fn a_hanging_database() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let api = PatientTestsApi::start_on(&proxy.connection_string(), &[]).await;
    let stocked = Stocked::fill(api).await;
    let before = stocked.api.documents().await;
    let recorded = stocked.api.audit.records().len();
    proxy.hang();

    let responses = join_all(stocked.calls().into_iter().map(|call| call.send()));
    for response in tokio::time::timeout(RESPONSE_LIMIT, responses).await.expect("in time") {
        assert_unavailable(&response, "The database");
    }

    assert_eq!(stocked.api.documents().await, before);
    let mut outcomes = stocked.api.outcomes_since(recorded);
    outcomes.sort_unstable();
    // Six writes and a repeated create were announced; those and five reads failed.
    assert_eq!(outcomes, [vec!["failed"; 12], vec!["intended"; 7]].concat());
}

async fn a_database_that_is_down() {
    // A port without a listener.
    let api = PatientTestsApi::start_on("mongodb://127.0.0.1:1", &[]).await;
    let id = unknown_id();
    let calls = [
        api.call("POST", "patient").json(&patient()),
        api.call("DELETE", &format!("patient/{id}")),
        api.call("POST", &format!("patient/{id}/tests")).json(&medical_test()),
        api.call("GET", &format!("patient/{id}")),
        api.call("GET", &format!("patient/{id}/tests")),
    ];

    let responses = join_all(calls.into_iter().map(|call| call.send()));
    for response in tokio::time::timeout(RESPONSE_LIMIT, responses).await.expect("in time") {
        assert_unavailable(&response, "The database");
    }

    let records = api.audit.records();
    let outcome = |outcome: &'static str| {
        records.iter().filter(move |record| record.body["outcome"] == outcome)
    };
    assert_eq!((outcome("intended").count(), outcome("failed").count()), (3, 5), "{records:#?}");
    for intent in outcome("intended") {
        assert_eq!(outcome("failed").filter(|it| it.body["relatesTo"] == intent.id).count(), 1);
    }
}

async fn a_database_that_never_stops_throttling() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let api = PatientTestsApi::start_on(&proxy.connection_string(), &[]).await;
    let throttled = doc! { "ok": 0, "code": 16500, "errmsg": "Request rate is large" };
    for command in ["insert", "find"] {
        proxy.reply_instead(command, usize::MAX, throttled.clone());
    }
    let calls = [
        api.call("POST", "patient").json(&patient()),
        api.call("GET", &format!("patient/{}", unknown_id())),
    ];

    let responses = join_all(calls.into_iter().map(|call| call.send()));
    for response in tokio::time::timeout(RESPONSE_LIMIT, responses).await.expect("in time") {
        assert_eq!(response.status, 429, "{response:#?}");
        assert_eq!(response.problem(), "throttled");
        assert_eq!(response.header("Retry-After"), Some("1"));
        assert_discloses_nothing(&response);
    }

    assert_eq!(api.documents_stored().await, 0);
}
