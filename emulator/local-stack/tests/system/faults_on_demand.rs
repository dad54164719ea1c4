//! Faults that load tests begin and end over the control socket.

use local_stack::{Fault, begin_fault, end_fault};
use mongodb::bson::doc;
use reqwest::{Method, RequestBuilder};
use stand_ins::eventually;
use tempfile::TempDir;

use crate::stack::{Stack, package_apps, patient};

/// The faults during which the stack is unhealthy.
const OUTAGES: [Fault; 3] = [Fault::Throttling, Fault::AuditHang, Fault::MongodDown];

/// The faults that a retry survives.
const DISTURBANCES: [Fault; 3] = [Fault::LostReplies, Fault::DelayedReplies, Fault::DelayedWrites];

/// What the apps log about one.
const RETRY: &str = "database operation failed, trying again";

async fn start(faults: bool) -> (Stack, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let functions = folder.path().join("functions");
    package_apps(&functions);
    let stack =
        Stack::start_with(&functions, folder.path(), |options| options.faults = faults).await;
    (stack, folder)
}

async fn until_health_is(health: &RequestBuilder, status: u16) {
    eventually(&format!("/health is {status}"), async || {
        health.try_clone().unwrap().send().await.unwrap().status().as_u16() == status
    })
    .await;
}

#[tokio::test]
async fn each_outage_lasts_until_it_is_ended_and_the_stack_survives() {
    let (mut stack, folder) = start(true).await;
    let state = folder.path().join("server");
    let health = stack.call(Method::GET, "health");
    let faults = async {
        for fault in OUTAGES {
            assert_eq!(begin_fault(&state, fault).await, Ok(()), "{fault:?}");
            until_health_is(&health, 503).await;
            assert_eq!(end_fault(&state, fault).await, Ok(()), "{fault:?}");
            until_health_is(&health, 200).await;
        }
    };

    tokio::select! {
        () = faults => {}
        error = stack.local.ended() => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_killed_handler_is_replaced_however_often_and_the_stack_survives() {
    let (mut stack, folder) = start(true).await;
    let state = folder.path().join("server");
    let health = stack.call(Method::GET, "health");
    for _ in 0..4 {
        for (fault, index) in [(Fault::PatientKilled, 0), (Fault::AuditKilled, 1)] {
            let id = || stack.local.handler_process_ids()[index];
            let killed = id().expect("it is running");

            assert_eq!(begin_fault(&state, fault).await, Ok(()), "{fault:?}");

            eventually("another process runs", async || id().is_some_and(|id| id != killed)).await;
            until_health_is(&health, 200).await;
            assert_eq!(end_fault(&state, fault).await, Ok(()), "{fault:?}");
        }
    }
    tokio::select! {
        biased;
        error = stack.local.ended() => panic!("{error}"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn a_disturbed_write_happens_once() {
    let (mut stack, folder) = start(true).await;
    let state = folder.path().join("server");
    let (patients, audits) = (stack.patients().await, stack.audits().await);
    for (index, fault) in DISTURBANCES.into_iter().enumerate() {
        let retries = || stack.local.logs().iter().filter(|log| log.contains(RETRY)).count();
        let retries_before = retries();
        assert_eq!(begin_fault(&state, fault).await, Ok(()), "{fault:?}");

        // Every other write is disturbed, and a create has two.
        stack.send(Method::POST, "patient", &patient(), 201).await;

        assert!(retries() > retries_before, "{fault:?}");
        assert_eq!(end_fault(&state, fault).await, Ok(()), "{fault:?}");
        let stored = index as u64 + 1;
        assert_eq!(patients.count_documents(doc! {}).await.unwrap(), stored, "{fault:?}");
        assert_eq!(audits.count_documents(doc! {}).await.unwrap(), stored, "{fault:?}");
    }
}

#[tokio::test]
async fn a_stack_without_the_option_refuses_faults() {
    let (stack, folder) = start(false).await;
    let state = folder.path().join("server");

    for fault in Fault::ALL {
        let refusal = begin_fault(&state, fault).await.unwrap_err();
        assert_eq!(refusal, "the server was started without --faults");
    }

    until_health_is(&stack.call(Method::GET, "health"), 200).await;
}
