//! Scopes: what a caller of the gateway may do.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stand_ins::audit_api::Behaviour;
use stand_ins::test_app::Call;

use crate::every_function::Stocked;
use crate::helpers::{medical_test, patient};
use crate::scoped_functions::FUNCTIONS;

const AUDIT_RECORD_ID: &str = "0190a6b2-1111-7abc-8def-0123456789ab";

/// All scopes but one.
fn all_but(scope: &str) -> String {
    let scopes: BTreeSet<_> = FUNCTIONS.iter().map(|(_, _, scope, ..)| *scope).collect();
    scopes.into_iter().filter(|other| *other != scope).collect::<Vec<_>>().join(" ")
}

/// A valid request for a function of the table.
pub fn call(stocked: &Stocked, method: &str, path: &str) -> Call {
    let path = path.replace("/P", &format!("/{}", stocked.patient_id));
    let path = path.replace("/A", &format!("/{AUDIT_RECORD_ID}"));
    let call = stocked.api.call(method, &path.replace("/T", &format!("/{}", stocked.test_id)));
    match method {
        "POST" if path.ends_with("restore") => call.json(&json!({"version": 1})),
        "POST" if path == "audit/search" => call.json(&json!({"patientId": stocked.patient_id})),
        "POST" if path.ends_with("search") => call.json(&json!({})),
        "POST" if path.ends_with("tests") => call.json(&medical_test()),
        "PUT" | "POST" => call.json(&patient()),
        _ => call,
    }
}

#[tokio::test]
async fn without_its_scope_a_function_does_nothing_but_record_the_refusal() {
    let stocked = Stocked::start().await;
    let api = &stocked.api;
    for (method, path, scope, resource_type, operation) in FUNCTIONS {
        let (documents, records) = (api.documents().await, api.audit.records().len());
        let request = call(&stocked, method, path);

        let refused = request.header("X-Caller-Scopes", &all_but(scope)).expect(403).await;

        if method != "HEAD" {
            assert_eq!(refused.problem(), "forbidden");
        }
        assert_eq!(api.documents().await, documents);
        let new = api.records_since(records);
        assert_eq!(new.len(), 1, "{method} {path}: {new:?}");
        let mut resource = json!({"type": resource_type, "operation": operation});
        if path.contains("/P") {
            resource["patientId"] = json!(stocked.patient_id);
        }
        if path.contains("/T") {
            resource["id"] = json!(stocked.test_id);
        } else if path.contains("/A") {
            resource["id"] = json!(AUDIT_RECORD_ID);
        } else if path.contains("/P") && resource_type == "patient" {
            resource["id"] = json!(stocked.patient_id);
        }
        let body = &new[0].body;
        assert_eq!((&body["resource"], &body["outcome"]), (&resource, &json!("refused")));
    }
}

#[tokio::test]
async fn its_scope_is_all_that_a_function_needs() {
    let stocked = Stocked::start().await;
    for (method, path, scope, ..) in FUNCTIONS {
        let request = call(&stocked, method, path).header("X-Caller-Scopes", scope);
        let response = request.header("X-Caller-Roles", scope).send().await;

        assert_ne!(response.status, 403, "{method} {path}");
    }
}

#[tokio::test]
async fn a_role_that_is_missing_in_the_token_refuses_too() {
    let stocked = Stocked::start().await;
    let request = call(&stocked, "GET", "patient/P").header("X-Caller-Scopes", "patient.read");

    let refused = request.header("X-Caller-Roles", "patient.write,test.read").expect(403).await;

    assert_eq!(refused.problem(), "forbidden");
}

#[tokio::test]
async fn health_needs_no_scope() {
    let stocked = Stocked::start().await;

    stocked.api.call("GET", "health").header("X-Caller-Scopes", "").expect(200).await;
}

#[tokio::test]
async fn a_refusal_does_not_need_the_register() {
    let stocked = Stocked::start().await;
    stocked.api.audit.behave(Behaviour::Refuse);
    let request = call(&stocked, "GET", "patient/P").header("X-Caller-Scopes", "test.read");

    assert_eq!(request.expect(403).await.problem(), "forbidden");
}

#[test]
fn the_api_description_names_the_scope_of_every_operation() {
    let document: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let text = operation["description"].as_str().unwrap();
            if let Some((_, scope)) = text.split_once(" Needs the scope ") {
                let path = path.replace("{patientId}", "P").replace("{testId}", "T");
                let path = path.replace("{auditRecordId}", "A");
                let path = path.replace("{version}", "1").trim_start_matches('/').to_owned();
                described.insert((
                    method.to_uppercase(),
                    path,
                    scope.trim_end_matches('.').to_owned(),
                ));
            } else {
                assert_eq!(path, "/health");
            }
        }
    }
    let expected = FUNCTIONS
        .map(|(method, path, scope, ..)| (method.to_owned(), path.to_owned(), scope.to_owned()));
    assert_eq!(described, BTreeSet::from(expected));
}
