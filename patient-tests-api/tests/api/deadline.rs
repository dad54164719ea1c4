//! Every request gets a response by its deadline, whichever dependency hangs. All in one test,
//! since each case takes as long as an invocation may: they run concurrently.

use std::time::Duration;

use futures_util::future::join_all;
use mongodb::bson::doc;
use serde_json::Value;
use stand_ins::audit_api::Behaviour;
use stand_ins::mongo::{self, Proxy};

use crate::every_function::{
    Stocked, assert_discloses_nothing, assert_unavailable, assert_unconfirmed,
};
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
    let responses = tokio::time::timeout(RESPONSE_LIMIT, responses).await.expect("in time");
    // A create is sent at once; all other writes look for the record first.
    let (creates, others): (Vec<_>, Vec<_>) =
        responses.into_iter().partition(|response| response.text.contains("did not confirm"));
    assert_eq!(creates.len(), 2, "a create and a repeated create");
    creates.iter().for_each(assert_unconfirmed);
    others.iter().for_each(|response| assert_unavailable(response, "The database"));

    assert_eq!(stocked.api.documents().await, before);
    let mut outcomes = stocked.api.outcomes_since(recorded);
    outcomes.sort_unstable();
    let intents = stocked.writes().len() + 1;
    let expected =
        [vec!["failed"; others.len()], vec!["intended"; intents], vec!["unknown"; 2]].concat();
    assert_eq!(outcomes, expected);
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
    let responses = tokio::time::timeout(RESPONSE_LIMIT, responses).await.expect("in time");
    // The create counts as unconfirmed if the deadline cuts its last attempt short, which may have
    // found a server at last.
    if responses[0].text.contains("did not confirm") {
        assert_unconfirmed(&responses[0]);
    } else {
        assert_unavailable(&responses[0], "The database");
    }
    responses[1..].iter().for_each(|response| assert_unavailable(response, "The database"));

    let records = api.audit.records();
    let (intents, ends): (Vec<_>, Vec<_>) =
        records.iter().partition(|record| record.body["outcome"] == "intended");
    assert_eq!((intents.len(), ends.len()), (3, 5), "{records:#?}");
    for intent in intents {
        assert_eq!(ends.iter().filter(|it| it.body["relatesTo"] == intent.id).count(), 1);
    }
    let is_end = |outcome: &Value| outcome == "failed" || outcome == "unknown";
    assert!(ends.iter().all(|end| is_end(&end.body["outcome"])), "{ends:#?}");
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
