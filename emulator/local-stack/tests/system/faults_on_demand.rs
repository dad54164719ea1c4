//! Faults that a load test makes over the stack's socket.

use std::time::Duration;

use local_stack::{Fault, begin_fault, end_fault};
use reqwest::{Method, RequestBuilder};
use tempfile::TempDir;

use crate::stack::{Stack, package_apps};

const LIMIT: Duration = Duration::from_secs(60);

async fn start(faults: bool) -> (Stack, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let functions = folder.path().join("functions");
    package_apps(&functions);
    let stack =
        Stack::start_with(&functions, folder.path(), |options| options.faults = faults).await;
    (stack, folder)
}

async fn until_it_is(health: &RequestBuilder, status: u16) {
    let asking = async {
        loop {
            let response = health.try_clone().unwrap().send().await.unwrap();
            if response.status().as_u16() == status {
                return;
            }
        }
    };
    let limit = tokio::time::timeout(LIMIT, asking).await;
    limit.unwrap_or_else(|_| panic!("/health never is {status}"));
}

#[tokio::test]
async fn each_fault_lasts_until_it_is_ended_and_the_stack_outlives_it() {
    let (mut stack, folder) = start(true).await;
    let state = folder.path().join("server");
    let health = stack.call(Method::GET, "health");
    let faults = async {
        for fault in Fault::ALL {
            assert_eq!(begin_fault(&state, fault).await, Ok(()), "{fault:?}");
            until_it_is(&health, 503).await;
            assert_eq!(end_fault(&state, fault).await, Ok(()), "{fault:?}");
            until_it_is(&health, 200).await;
        }
    };

    tokio::select! {
        () = faults => {}
        error = stack.local.ended() => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_stack_of_people_takes_no_faults() {
    let (stack, folder) = start(false).await;
    let state = folder.path().join("server");

    for fault in Fault::ALL {
        let refusal = begin_fault(&state, fault).await.unwrap_err();
        assert_eq!(refusal, "the server was started without --faults");
    }

    until_it_is(&stack.call(Method::GET, "health"), 200).await;
}
