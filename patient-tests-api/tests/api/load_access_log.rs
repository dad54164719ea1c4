//! `LoadAccessLog`: who saw or changed a patient, for people.

use proptest::prelude::*;
use serde_json::{Value, json};
use stand_ins::audit_api::Behaviour;
use stand_ins::test_app::Response;

use crate::helpers::{PatientTestsApi, patient, patient_with, unknown_id};

/// A record about a patient, as this app sends it.
fn record(patient_id: &str, operation: &str, outcome: &str) -> Value {
    json!({
        "sourceSystemName": "PatientTestsApi",
        "resource": {
            "type": "patient", "operation": operation, "id": patient_id, "patientId": patient_id
        },
        "outcome": outcome,
        "actor": {"keyName": "gateway", "organisation": "North", "userId": "ada@north.example"},
        "purpose": "TREAT"
    })
}

/// The n-th second of a day.
fn at(second: usize) -> String {
    format!("2026-05-14T{:02}:{:02}:{:02}.000Z", second / 3600, second / 60 % 60, second % 60)
}

/// Action, what, count and outcome of each line.
fn lines(log: &Value) -> Vec<String> {
    let lines = log.as_array().expect("a list").iter();
    let line = |line: &Value| {
        let text = |name: &str| line[name].as_str().expect("a text");
        format!("{} {} {} {}", text("action"), text("what"), line["count"], text("outcome"))
    };
    lines.map(line).collect()
}

async fn log(api: &PatientTestsApi, patient_id: &str, query: &str) -> Value {
    api.call("GET", &format!("patient/{patient_id}/access-log{query}")).expect(200).await.body
}

#[tokio::test]
async fn every_interaction_that_disclosed_or_changed_something_is_one_line() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let path = format!("patient/{id}");
    let test_id = api.create_test(&id).await;
    api.create_test(&id).await;
    api.load_patient(&id).await;
    api.call("GET", &format!("{path}/tests")).expect(200).await;
    api.call("POST", "patient/search").json(&json!({"firstName": "Ada"})).expect(200).await;
    api.rename_patient(&id, "Grace").await;
    api.call("GET", &format!("{path}/history")).expect(200).await;
    api.call("DELETE", &format!("{path}/tests/{test_id}")).expect(204).await;
    api.call("DELETE", &path).expect(204).await;
    api.call("POST", &format!("{path}/restore")).json(&json!({"version": 1})).expect(200).await;
    // None of these disclosed or changed anything.
    api.call("GET", &path).header("If-None-Match", "\"4\"").expect(304).await;
    api.call("PUT", &path)
        .header("If-Match", "\"1\"")
        .json(&patient_with("id", json!(id)))
        .expect(412)
        .await;
    api.call("GET", &format!("{path}/tests/{test_id}")).expect(410).await;
    api.call("DELETE", &format!("{path}/tests/{test_id}")).expect(204).await;
    api.call("POST", "patient/search").json(&json!({"firstName": "Nobody"})).expect(200).await;
    // Somebody else.
    api.create_patient().await;

    let log = log(&api, &id, "").await;

    assert_eq!(
        lines(&log),
        [
            "restored patient 1 succeeded",
            "deleted patient 1 succeeded",
            "deleted test results 1 succeeded",
            "read patient 1 succeeded",
            "changed patient 1 succeeded",
            "found in a search patient 1 succeeded",
            "read test results 2 succeeded",
            "read patient 1 succeeded",
            "created test results 1 succeeded",
            "created test results 1 succeeded",
            "created patient 1 succeeded",
        ]
    );
}

#[tokio::test]
async fn attempts_are_listed_on_request() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let path = format!("patient/{id}");
    api.call("PUT", &path)
        .header("If-Match", "\"7\"")
        .json(&patient_with("id", json!(id)))
        .expect(412)
        .await;
    api.call("DELETE", &path).expect(204).await;
    api.call("DELETE", &path).expect(204).await;
    api.call("GET", &path).expect(410).await;

    let all = log(&api, &id, "?attempts=true").await;

    assert_eq!(
        lines(&all),
        [
            "read patient 0 refused",
            "deleted patient 0 succeeded",
            "deleted patient 1 succeeded",
            "changed patient 0 refused",
            "created patient 1 succeeded",
        ]
    );
    assert_eq!(log(&api, &id, "").await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_line_names_nothing_but_what_it_tells() {
    let api = PatientTestsApi::start().await;
    let id = unknown_id();
    let mut read = record(&id, "read", "succeeded");
    read["resource"]["disclosed"] = json!([id]);
    api.audit.add(&at(0), read);
    let call = |scopes: &str| {
        let call = api.call("GET", &format!("patient/{id}/access-log"));
        call.header("X-Caller-Scopes", scopes).expect(200)
    };
    let mut expected = json!({
        "when": at(0), "organisation": "North", "action": "read", "what": "patient", "count": 1,
        "purpose": "TREAT", "outcome": "succeeded"
    });

    assert_eq!(call("audit.access-log").await.body, json!([expected]));
    expected["person"] = json!("ada@north.example");
    assert_eq!(call("audit.access-log audit.persons").await.body, json!([expected]));
}

#[tokio::test]
async fn old_and_foreign_records_are_told_as_far_as_they_say() {
    let api = PatientTestsApi::start().await;
    let id = unknown_id();
    // The scaffold's.
    let resource = json!({"type": "patient", "operation": "find", "id": id});
    let old = json!({"sourceSystemName": "PatientTestApi", "resource": resource});
    api.audit.add(&at(0), old);
    // Unconfirmed, and settled later.
    for (second, outcome) in [(10, "succeeded"), (20, "failed")] {
        let intent = api.audit.add(&at(second), record(&id, "update", "intended"));
        let mut unknown = record(&id, "update", "unknown");
        unknown["relatesTo"] = json!(intent);
        api.audit.add(&at(second + 5), unknown);
        let mut end = record(&id, "update", outcome);
        end["relatesTo"] = json!(intent);
        end["actor"] = json!({"keyName": "reconciler"});
        api.audit.add(&at(second + 1000), end);
    }
    let intent = api.audit.add(&at(30), record(&id, "delete", "intended"));
    let mut unknown = record(&id, "delete", "unknown");
    unknown["relatesTo"] = json!(intent);
    api.audit.add(&at(35), unknown);
    let foreign = json!({
        "sourceSystemName": "Radiology",
        "resource": {"type": "image", "operation": "read", "id": "5", "patientId": id}
    });
    api.audit.add(&at(40), foreign);

    let log = log(&api, &id, "").await;

    assert_eq!(
        lines(&log),
        ["changed patient 1 succeeded", "deleted patient 1 unknown", "read patient 1 succeeded",]
    );
}

#[tokio::test]
async fn a_repeated_create_is_a_read() {
    let api = PatientTestsApi::start().await;
    let create = || api.call("POST", "patient").header("Idempotency-Key", "k").json(&patient());
    let created = create().expect(201).await;
    create().expect(201).await;

    let log = log(&api, created.body["id"].as_str().unwrap(), "").await;

    assert_eq!(lines(&log), ["read patient 1 succeeded", "created patient 1 succeeded"]);
}

#[tokio::test]
async fn reading_the_log_is_recorded_with_the_ids_of_its_records() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let intent = api.audit.records()[0].id.clone();

    log(&api, &id, "").await;

    let records = api.audit.records();
    let body = &records.last().unwrap().body;
    let expected = json!({
        "type": "accessLog", "operation": "read", "patientId": id, "disclosed": [intent]
    });
    assert_eq!((&body["resource"], &body["outcome"]), (&expected, &json!("succeeded")));
    // It is no data of the patient.
    assert_eq!(log(&api, &id, "").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_unknown_patient_has_an_empty_log() {
    let api = PatientTestsApi::start().await;

    assert_eq!(log(&api, &unknown_id(), "").await, json!([]));
    api.call("GET", "patient/nobody/access-log").expect(404).await;
}

#[tokio::test]
async fn bad_queries_and_a_register_that_fails_hand_out_nothing() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let path = format!("patient/{id}/access-log");
    let records = api.audit.records().len();
    for query in [
        "?limit=0",
        "?cursor=x",
        &format!("?cursor={id}"),
        "?attempts=false",
        "?attempts=yes",
        "?person=true",
        "?attempts=true&attempts=true",
    ] {
        api.call("GET", &format!("{path}{query}")).expect(400).await;
    }
    api.call("GET", &path).header("If-Match", "\"1\"").expect(412).await;
    assert_eq!(api.audit.records().len(), records);

    for behaviour in [Behaviour::Status(400), Behaviour::Status(401), Behaviour::Garbage] {
        api.audit.behave(behaviour);
        let refused = api.call("GET", &path).expect(503).await;
        assert_eq!(refused.problem(), "unavailable");
    }
}

/// The log as a FHIR Bundle.
async fn bundle(api: &PatientTestsApi, path: &str) -> Response {
    api.call("GET", path).header("Accept", "application/fhir+json").expect(200).await
}

#[tokio::test]
async fn the_log_comes_in_fhir_on_request() {
    let api = PatientTestsApi::start().await;
    let id = unknown_id();
    let mut read = record(&id, "read", "succeeded");
    read["resource"]["type"] = json!("test");
    read["resource"]["disclosed"] = json!([unknown_id(), unknown_id()]);
    api.audit.add(&at(0), read);
    let path = format!("patient/{id}/access-log");

    let page = bundle(&api, &path).await;

    // The host adds the character set.
    assert_eq!(page.header("Content-Type"), Some("application/fhir+json; charset=utf-8"));
    let entry = &page.body["entry"][0];
    let full_url = entry["fullUrl"].as_str().unwrap();
    assert!(full_url.starts_with("urn:uuid:"), "{full_url}");
    let withheld = |reason: &str| {
        let url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
        json!({"extension": [{"url": url, "valueCode": reason}]})
    };
    let dicom = |code: &str| {
        let system = "http://dicom.nema.org/resources/ontology/DCM";
        json!({"coding": [{"system": system, "code": code}]})
    };
    let terms = |system: &str, code: &str| {
        json!({
            "system": format!("http://terminology.hl7.org/CodeSystem/{system}"), "code": code
        })
    };
    let expected = json!({
        "resourceType": "AuditEvent",
        "meta": {
            "profile": [
                "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead"
            ]
        },
        "type": terms("audit-event-type", "rest"),
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "read"}],
        "action": "R",
        "recorded": at(0),
        "outcome": "0",
        "purposeOfEvent": [{"coding": [terms("v3-ActReason", "TREAT")]}],
        "agent": [
            {
                "type": dicom("110152"), "who": {"display": "North"}, "requestor": false,
                "network": withheld("masked")
            },
            {
                "type": dicom("110153"), "who": {"display": "Patient records"}, "requestor": false,
                "network": withheld("masked")
            },
            {
                "type": {"coding": [terms("v3-ParticipationType", "IRCP")]},
                "who": {"display": "ada@north.example"}, "requestor": true
            }
        ],
        "source": {
            "observer": {"display": "Patient records"},
            "type": [terms("security-source-type", "4")]
        },
        "entity": [
            {
                "what": {
                    "type": "Patient",
                    "identifier": {
                        "system": "urn:ietf:rfc:3986", "value": format!("urn:uuid:{id}")
                    }
                },
                "type": terms("audit-entity-type", "1"),
                "role": terms("object-role", "1")
            },
            {
                "what": {"display": "test results"},
                "type": terms("audit-entity-type", "2"),
                "role": terms("object-role", "3"),
                "detail": [{"type": "count", "valueString": "2"}]
            }
        ]
    });
    assert_eq!(entry["resource"], expected);
    // The same event has the same URL, whoever asks.
    let call = api.call("GET", &path).header("X-Caller-Scopes", "audit.access-log");
    let anonymous = call.header("Accept", "application/fhir+json").expect(200).await;
    assert_eq!(anonymous.body["entry"][0]["fullUrl"], full_url);
    assert_eq!(anonymous.body["entry"][0]["resource"]["agent"][0]["requestor"], true);
    assert_eq!(anonymous.body["entry"][0]["resource"]["agent"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn fhir_pages_tell_what_the_lines_tell_and_no_identifiers() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let path = format!("patient/{id}");
    api.create_test(&id).await;
    api.load_patient(&id).await;
    api.call("POST", "patient/search").json(&json!({"firstName": "Ada"})).expect(200).await;
    api.rename_patient(&id, "Grace").await;
    api.call("PUT", &path)
        .header("If-Match", "\"1\"")
        .json(&patient_with("id", json!(id)))
        .expect(412)
        .await;
    api.call("DELETE", &path).expect(204).await;
    let mut query = "?limit=2&attempts=true".to_owned();
    let (mut events, mut texts) = (Vec::new(), String::new());
    loop {
        let page = bundle(&api, &format!("{path}/access-log{query}")).await;
        texts.push_str(&page.body["entry"].to_string());
        let links = page.body["link"].as_array().unwrap();
        assert_eq!(links[0], json!({"relation": "self", "url": query}));
        events.extend(page.body["entry"].as_array().unwrap().clone());
        let Some(next) = page.next_page() else { break };
        assert_eq!(links[1], json!({"relation": "next", "url": next}));
        query = next;
    }

    let told: Vec<_> = events
        .iter()
        .map(|entry| {
            let event = &entry["resource"];
            let profile = event["meta"]["profile"][0].as_str().unwrap_or(". no pattern");
            let end = event["outcomeDesc"].as_str().unwrap_or("success");
            format!("{} {end}", profile.rsplit('.').next().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            "PatientDelete success",
            " no pattern refused",
            "PatientUpdate success",
            "PatientQuery success",
            "PatientRead success",
            "PatientCreate success",
            "PatientCreate success",
        ]
    );
    for record in api.audit.records() {
        assert!(!texts.contains(&record.id), "{texts}");
    }
    for withheld in ["gateway", "clientAddress", "traceId", "firstName"] {
        assert!(!texts.contains(withheld), "{withheld}");
    }
    let empty = bundle(&api, &format!("patient/{}/access-log", unknown_id())).await;
    assert_eq!(
        empty.body,
        json!({
            "resourceType": "Bundle", "type": "searchset",
            "link": [{"relation": "self", "url": "?limit=100"}]
        })
    );
}

/// An interaction of a model: what the register has of it, and the line that it makes.
#[derive(Clone, Copy, Debug)]
enum Interaction {
    Read,
    Missed,
    Change,
    Refused { delay: usize },
    Unconfirmed { delay: usize, settled_after: usize },
}

fn interaction() -> impl Strategy<Value = Interaction> {
    prop_oneof![
        3 => Just(Interaction::Read),
        1 => Just(Interaction::Missed),
        3 => Just(Interaction::Change),
        2 => (0..40_usize).prop_map(|delay| Interaction::Refused { delay }),
        1 => (0..20_usize, 1..80_usize)
            .prop_map(|(delay, settled_after)| Interaction::Unconfirmed { delay, settled_after }),
    ]
}

/// Adds the records of an interaction that began at this second.
fn add(api: &PatientTestsApi, id: &str, second: usize, interaction: Interaction) {
    let end = |after: usize, outcome: &str, intent: &str, settled: bool| {
        let mut end = record(id, "update", outcome);
        end["relatesTo"] = json!(intent);
        if settled {
            end["actor"] = json!({"keyName": "reconciler"});
        }
        api.audit.add(&at(second + after), end);
    };
    let intend = || api.audit.add(&at(second), record(id, "update", "intended"));
    match interaction {
        Interaction::Read => {
            let mut read = record(id, "read", "succeeded");
            read["resource"]["disclosed"] = json!([id]);
            api.audit.add(&at(second), read);
        }
        Interaction::Missed => {
            api.audit.add(&at(second), record(id, "read", "notFound"));
        }
        Interaction::Change => {
            intend();
        }
        Interaction::Refused { delay } => end(delay, "refused", &intend(), false),
        Interaction::Unconfirmed { delay, settled_after } => {
            let intent = intend();
            end(delay, "unknown", &intent, false);
            end(delay + settled_after, "succeeded", &intent, true);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn pages_of_any_size_have_each_interaction_once(
        interactions in proptest::collection::vec(interaction(), 0..120),
        limit in 1..30_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let api = PatientTestsApi::start().await;
            let id = unknown_id();
            for (second, interaction) in interactions.iter().enumerate() {
                add(&api, &id, second, *interaction);
            }
            let shown = |attempts: bool| {
                let counts = |it: &&Interaction| match it {
                    Interaction::Read | Interaction::Change | Interaction::Unconfirmed { .. } => true,
                    Interaction::Missed | Interaction::Refused { .. } => attempts,
                };
                interactions.iter().filter(counts).count()
            };

            for attempts in [false, true] {
                let mut query = format!("?limit={limit}");
                if attempts {
                    query.push_str("&attempts=true");
                }
                let mut seen = Vec::new();
                loop {
                    let path = format!("patient/{id}/access-log{query}");
                    let page = api.call("GET", &path).expect(200).await;
                    let lines = page.body.as_array().unwrap();
                    assert!(lines.len() <= limit);
                    seen.extend(lines.iter().map(|line| line["when"].as_str().unwrap().to_owned()));
                    match page.next_page() {
                        Some(next) => query = next,
                        None => break,
                    }
                }
                assert!(seen.is_sorted_by(|newer, older| newer >= older));
                assert_eq!(seen.len(), shown(attempts));
            }
        });
    }
}
