//! Faults that load tests begin and end over the control socket.

use local_stack::{Fault, begin_fault, end_fault};
use reqwest::{Method, RequestBuilder};
use stand_ins::eventually;
use tempfile::TempDir;

use crate::stack::{Stack, package_apps};

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
async fn each_fault_lasts_until_it_is_ended_and_the_stack_survives() {
    let (mut stack, folder) = start(true).await;
    let state = folder.path().join("server");
    let health = stack.call(Method::GET, "health");
    let faults = async {
        for fault in Fault::ALL {
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
async fn a_stack_without_the_option_refuses_faults() {
    let (stack, folder) = start(false).await;
    let state = folder.path().join("server");

    for fault in Fault::ALL {
        let refusal = begin_fault(&state, fault).await.unwrap_err();
        assert_eq!(refusal, "the server was started without --faults");
    }

    until_health_is(&stack.call(Method::GET, "health"), 200).await;
}
