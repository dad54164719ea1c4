//! `SearchAuditRecords` and `LoadAuditRecord`: the register, through the gateway.

use serde_json::{Value, json};
use stand_ins::audit_api::Behaviour;

use crate::helpers::{PatientTestsApi, unknown_id};

async fn search(api: &PatientTestsApi, query: &str, body: &Value) -> (Vec<Value>, Option<String>) {
    let found = api.call("POST", &format!("audit/search{query}")).json(body).expect(200).await;
    let next = found.next_page();
    (serde_json::from_value(found.body).unwrap(), next)
}

#[tokio::test]
async fn records_are_returned_as_the_register_has_them() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    api.load_patient(&id).await;
    let records = api.audit.records();

    let (found, next) = search(&api, "", &json!({"patientId": id})).await;

    assert_eq!((found.len(), next), (2, None));
    for (found, stored) in found.iter().zip(records.iter().rev()) {
        let mut expected = stored.body.clone();
        expected["id"] = json!(stored.id);
        expected["createdDate"] = found["createdDate"].clone();
        assert_eq!(*found, expected);
        let loaded = api.call("GET", &format!("audit/{}", stored.id)).expect(200).await;
        assert_eq!(loaded.body, expected);
    }
}

#[tokio::test]
async fn each_reading_of_the_register_is_recorded_with_what_was_handed_out() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let intent = api.audit.records()[0].id.clone();

    search(&api, "", &json!({"patientId": id, "outcome": "intended"})).await;
    api.call("GET", &format!("audit/{}", intent.to_uppercase())).expect(200).await;
    let unknown = unknown_id();
    api.call("GET", &format!("audit/{unknown}")).expect(404).await;

    let records = api.records_since(1);
    let resources: Vec<_> = records.iter().map(|record| &record.body["resource"]).collect();
    assert_eq!(
        resources,
        [
            &json!({
                "type": "auditRecord", "operation": "search", "patientId": id,
                "disclosed": [intent], "query": {"patientId": id, "outcome": "intended"}
            }),
            &json!({
                "type": "auditRecord", "operation": "read", "id": intent, "disclosed": [intent]
            }),
            &json!({"type": "auditRecord", "operation": "read", "id": unknown}),
        ]
    );
    assert_eq!(api.outcomes_since(1), ["succeeded", "succeeded", "notFound"]);
}

#[tokio::test]
async fn every_criterion_reaches_the_register() {
    let api = PatientTestsApi::start().await;
    let id = unknown_id();
    let other = unknown_id();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let record = json!({
        "sourceSystemName": "Other",
        "resource": {"type": "patient", "operation": "read", "id": id, "patientId": id},
        "outcome": "succeeded",
        "relatesTo": other,
        "actor": {"userId": "u", "subscriptionId": "s", "organisation": "o"},
        "purpose": "TREAT",
        "traceId": trace
    });
    api.audit.add("2026-05-14T15:14:15.120Z", record);
    let found = async |criteria: &Value| search(&api, "", criteria).await.0.len();
    for (name, value, others) in [
        ("patientId", json!(id.to_uppercase()), json!(other)),
        ("resourceType", json!("patient"), json!("test")),
        ("resourceId", json!(id), json!(other)),
        ("operation", json!("read"), json!("update")),
        ("outcome", json!("succeeded"), json!("failed")),
        ("userId", json!("u"), json!("v")),
        ("subscriptionId", json!("s"), json!("t")),
        ("organisation", json!("o"), json!("p")),
        ("purpose", json!("TREAT"), json!("ETREAT")),
        ("traceId", json!(trace.to_uppercase()), json!("0".repeat(32))),
        ("relatesTo", json!(other), json!(id)),
        ("from", json!("2026-05-14T17:14:15.120+02:00"), json!("2026-05-14T15:14:15.121Z")),
        ("to", json!("2026-05-14T15:14:15.121Z"), json!("2026-05-14T15:14:15.120Z")),
    ] {
        let mut criteria = json!({"from": "2026-05-01T00:00:00Z", "to": "2026-05-30T00:00:00Z"});
        criteria[name] = value;
        assert_eq!(found(&criteria).await, 1, "{name}");
        criteria[name] = others;
        assert_eq!(found(&criteria).await, 0, "{name}");
    }
}

#[tokio::test]
async fn pages_have_every_record_once_while_records_are_added() {
    let api = PatientTestsApi::start().await;
    let id = unknown_id();
    let record = json!({
        "sourceSystemName": "Other",
        "resource": {"type": "patient", "operation": "read", "patientId": id}
    });
    let mut expected: Vec<_> = (0..25)
        .map(|number| api.audit.add(&format!("2026-05-14T15:14:{number:02}.000Z"), record.clone()))
        .collect();
    expected.reverse();
    let mut seen = Vec::new();
    let mut query = Some("?limit=7".to_owned());
    while let Some(next) = query {
        let found;
        (found, query) = search(&api, &next, &json!({"patientId": id})).await;
        seen.extend(found.iter().map(|record| record["id"].as_str().unwrap().to_owned()));
        api.audit.add("2026-05-14T16:00:00.000Z", record.clone());
    }

    assert_eq!(seen, expected);
}

#[tokio::test]
async fn bad_searches_hand_out_nothing_and_are_not_recorded() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let calls = api.audit.calls();
    let guid = ("must be a GUID", json!("nobody"));
    for (name, (detail, value)) in [
        ("patientId", guid.clone()),
        ("relatesTo", guid),
        ("resourceId", ("must be text", json!(5))),
        ("userId", ("must be 1 to 256 characters long", json!(""))),
        ("subscriptionId", ("must be 1 to 256 characters long", json!("s".repeat(257)))),
        ("traceId", ("must be 32 hexadecimal digits", json!("0"))),
        ("from", ("must be an RFC 3339 date-time", json!("2026-05-14"))),
        ("to", ("must be an RFC 3339 date-time", json!("tomorrow"))),
        ("resourceType", ("must be text", json!({"$ne": ""}))),
        ("operation", ("must be text", json!([]))),
        (
            "outcome",
            ("must be intended, succeeded, notFound, refused, failed or unknown", json!("perhaps")),
        ),
        ("organisation", ("must be text", json!(true))),
        ("purpose", ("must have a visible character", json!(" "))),
        ("sourceSystemName", ("is not a known field", json!("Other"))),
    ] {
        let mut body = json!({"traceId": "0".repeat(32)});
        body[name] = value;
        let refused = api.call("POST", "audit/search").json(&body).expect(400).await;
        assert_eq!(refused.wrong_fields(), [(format!("/{name}").as_str(), detail)]);
    }
    let bounds = "must have patientId, resourceId, userId, subscriptionId, traceId or relatesTo, or \
                  from and to";
    for (body, pointer, detail) in [
        (json!({}), "", bounds),
        (json!({"outcome": "failed"}), "", bounds),
        (json!({"from": "2026-05-14T00:00:00Z"}), "", bounds),
        (
            json!({"from": "2026-05-14T00:00:00Z", "to": "2026-06-14T00:00:00.001Z"}),
            "/to",
            "must be at most 31 days after from",
        ),
        (
            json!({"patientId": id, "from": "2026-05-14T00:00:00Z", "to": "2026-05-13T00:00:00Z"}),
            "/to",
            "must not be before from",
        ),
    ] {
        let refused = api.call("POST", "audit/search").json(&body).expect(400).await;
        assert_eq!(refused.wrong_fields(), [(pointer, detail)], "{body}");
    }
    for query in ["?cursor=5", &format!("?cursor={id}"), "?limit=1001", "?patientId=5"] {
        let call = api.call("POST", &format!("audit/search{query}"));
        call.json(&json!({"patientId": id})).expect(400).await;
    }
    api.call("GET", "audit/nobody").expect(404).await;
    assert_eq!(api.audit.calls(), calls);
}

#[tokio::test]
async fn a_cursor_of_another_search_hands_out_nothing_and_is_not_recorded() {
    let api = PatientTestsApi::start().await;
    let [one, other] = [api.create_patient().await, api.create_patient().await];
    for id in [&one, &one, &other, &other] {
        api.load_patient(id).await;
    }
    let (first, next) = search(&api, "?limit=1", &json!({"patientId": one})).await;
    let next = next.expect("there is a second page");
    let log = api.call("GET", &format!("patient/{one}/access-log?limit=1")).expect(200).await;
    let next_of_log = log.next_page().expect("there is a second page");
    let calls = api.audit.calls();

    for (body, query) in [
        (json!({"patientId": other}), &next),
        (json!({"patientId": one, "outcome": "succeeded"}), &next),
        (json!({"patientId": other}), &next_of_log),
    ] {
        let refused = api.call("POST", &format!("audit/search{query}")).json(&body).expect(400);
        let detail = &refused.await.body["detail"];
        assert_eq!(detail, "The query parameter cursor must be taken from a Link header.");
    }
    api.call("GET", &format!("patient/{other}/access-log{next_of_log}")).expect(400).await;

    assert_eq!(api.audit.calls(), calls);
    let (second, _) = search(&api, &next, &json!({"patientId": one})).await;
    assert_ne!(first, second);
    let second = api.call("GET", &format!("patient/{one}/access-log{next_of_log}"));
    assert_eq!(second.expect(200).await.body.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_register_that_cannot_be_read_is_503() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    for behaviour in [Behaviour::Status(400), Behaviour::Status(401), Behaviour::Garbage] {
        api.audit.behave(behaviour);
        let search = api.call("POST", "audit/search").json(&json!({"patientId": id}));
        assert_eq!(search.expect(503).await.problem(), "unavailable");
        let load = api.call("GET", &format!("audit/{id}"));
        assert_eq!(load.expect(503).await.problem(), "unavailable");
    }
}
