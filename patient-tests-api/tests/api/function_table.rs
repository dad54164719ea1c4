//! The `function.json` files that the host reads.

use std::path::Path;

use serde_json::{Value, json};
use stand_ins::function_files::{self, FunctionFiles, Row, has_http_trigger};

use crate::helpers::{PatientTestsApi, unknown_id};

#[test]
fn the_folders_are_those_of_the_table() {
    assert_eq!(folders(), printed(), "what `<app> functions` prints is what the folders must have");
}

#[test]
fn every_function_needs_a_key() {
    let files = printed();
    for (name, function) in files.iter().filter(|(_, file)| has_http_trigger(file)) {
        assert_eq!(function["bindings"][0]["authLevel"], "function", "{name}");
    }
}

#[test]
fn no_request_matches_two_functions() {
    for (index, (name, methods, route)) in table().iter().enumerate() {
        for (other_name, other_methods, other_route) in &table()[index + 1..] {
            let share_a_method = methods.iter().any(|method| other_methods.contains(method));
            let meet = share_a_method && can_match_the_same(route, other_route);

            assert!(!meet, "{name} and {other_name} both take {methods:?} {route}");
        }
    }
}

#[test]
fn overlapping_routes_are_recognised() {
    for (one, other, expected) in [
        ("patient/search", "patient/{id}", true),
        ("patient/{id}/tests", "patient/{id}/tests/{testId?}", true),
        ("patient/{id}/tests/{testId?}", "patient/{id}/tests/{x}", true),
        ("patient", "patient/{id}", false),
        ("patient/{id}", "patient/{id}/tests/{testId?}", false),
        ("patient/search", "patient/find", false),
    ] {
        assert_eq!(can_match_the_same(one, other), expected, "{one} {other}");
        assert_eq!(can_match_the_same(other, one), expected, "{other} {one}");
    }
}

#[tokio::test]
async fn every_function_responds_and_none_without_a_key() {
    let api = PatientTestsApi::start().await;
    for (name, methods, route) in table() {
        let path = route
            .replace("{patientId}", &unknown_id())
            .replace("{testId}", &unknown_id())
            .replace("{auditRecordId}", &unknown_id())
            .replace("/{testId?}", "")
            .replace("/{version?}", "");
        for method in &methods {
            let method = method.to_uppercase();

            let response = api.call(&method, &path).send().await;
            // The register knows no patients.
            let succeeds = ["Health", "LoadAccessLog"].contains(&name.as_str());
            if succeeds {
                assert_eq!(response.status, 200, "{response:#?}");
            } else {
                assert!(matches!(response.status, 400 | 404), "{name}: {response:#?}");
            }
            if method == "HEAD" {
                assert_eq!(response.text, "", "{name}");
            } else if !succeeds {
                response.problem();
                assert_ne!(response.body["detail"], "There is no such function.", "{name}");
            }

            let url = format!("{}/api/{path}", api.app.host.url());
            let keyless = stand_ins::http_client().request(method.parse().unwrap(), url);
            let keyless = keyless.send().await.unwrap();
            assert_eq!(keyless.status(), 401, "{name}");
            assert_eq!(keyless.text().await.unwrap(), "", "{name}");
        }
    }
}

#[tokio::test]
async fn an_unknown_function_has_its_own_problem() {
    let api = PatientTestsApi::start().await;
    api.call("GET", "patient/42").expect(404).await;
    let payload = json!({"Data": {"req": {"Url": "http://x/api/y", "Method": "GET"}}});

    for name in ["Other", "createpatient", "CreatePatient/x", ""] {
        let call = stand_ins::http_client().post(format!("{}/{name}", api.app.host.handler_url()));
        let response = call.body(payload.to_string()).send().await.unwrap();

        assert_eq!(response.status(), 200, "{name}");
        let envelope: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(envelope["Outputs"]["res"]["statusCode"], 404, "{name}");
        let problem = envelope["Outputs"]["res"]["body"].as_str().unwrap();
        assert!(problem.contains("There is no such function."), "{problem}");
    }
}

fn table() -> Vec<Row> {
    function_files::table(&printed())
}

fn printed() -> FunctionFiles {
    function_files::printed_by(env!("CARGO_BIN_EXE_patient-tests-api"))
}

fn folders() -> FunctionFiles {
    function_files::in_folders(Path::new(env!("CARGO_MANIFEST_DIR")))
}

/// Whether some path matches both templates; a parameter matches anything.
fn can_match_the_same(one: &str, other: &str) -> bool {
    let variants = |route: &str| match route.rsplit_once('/') {
        Some((start, last)) if last.ends_with("?}") => {
            vec![start.to_owned(), format!("{start}/{{any}}")]
        }
        _ => vec![route.to_owned()],
    };
    let matches = |one: &str, other: &str| {
        let (one, other): (Vec<_>, Vec<_>) = (one.split('/').collect(), other.split('/').collect());
        one.len() == other.len()
            && one.iter().zip(&other).all(|(one, other)| {
                one.starts_with('{') || other.starts_with('{') || one.eq_ignore_ascii_case(other)
            })
    };
    let others = variants(other);
    variants(one).iter().any(|one| others.iter().any(|other| matches(one, other)))
}
