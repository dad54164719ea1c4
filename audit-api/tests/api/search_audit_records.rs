//! `SearchAuditRecords`, POST auditrecord/search

use futures_util::TryStreamExt;
use mongodb::bson::{DateTime, Document, doc};
use serde_json::{Value, json};
use stand_ins::mongo::{self, create_collections};
use uuid::Uuid;

use crate::helpers::{AuditApi, ids, printed_plan, record, stored};

const PATIENT: &str = "0190a6b2-2222-7abc-8def-0123456789ab";
const OTHER_PATIENT: &str = "0190a6b2-3333-7abc-8def-0123456789ab";
const NOON: &str = "2026-03-01T12:00:00.000Z";

/// Each criterion with the value of `record_of(PATIENT)`, and whether it is enough on its own.
fn criteria() -> Vec<(&'static str, Value, bool)> {
    vec![
        ("patientId", json!(PATIENT), true),
        ("resourceType", json!("medicalTest"), false),
        ("resourceId", json!("7"), true),
        ("operation", json!("search"), false),
        ("outcome", json!("notFound"), false),
        ("userId", json!("nurse-1"), true),
        ("subscriptionId", json!("clinic-7"), true),
        ("organisation", json!("Clinic 7"), false),
        ("purpose", json!("TREAT"), false),
        ("traceId", json!("4bf92f3577b34da6a3ce929d0e0e4736"), true),
        ("relatesTo", json!("0190a6b2-1111-7abc-8def-0123456789ab"), true),
    ]
}

/// A record that is about this patient, and has no field in common with `other_record`.
fn record_of(patient: &str) -> Value {
    let mut record = record();
    record["resource"]["type"] = json!("medicalTest");
    record["resource"]["patientId"] = json!(patient);
    record["outcome"] = json!("notFound");
    record
}

fn other_record() -> Value {
    json!({
        "sourceSystemName": "Other",
        "resource": {
            "type": "patient", "operation": "read", "id": OTHER_PATIENT,
            "patientId": OTHER_PATIENT, "disclosed": [OTHER_PATIENT]
        },
        "outcome": "succeeded",
        "relatesTo": "0190a6b2-4444-7abc-8def-0123456789ab",
        "actor": {"subscriptionId": "clinic-8", "organisation": "Clinic 8", "userId": "nurse-2"},
        "purpose": "ETREAT",
        "traceId": "0af7651916cd43dd8448eb211c80319c"
    })
}

fn day() -> Value {
    json!({"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"})
}

fn with(mut criteria: Value, name: &str, value: Value) -> Value {
    criteria[name] = value;
    criteria
}

#[tokio::test]
async fn a_record_is_found_as_it_was_created() {
    let api = AuditApi::start().await;
    let created = api.create(&record_of(PATIENT)).expect(201).await;

    let found = api.search("", &json!({"patientId": PATIENT})).expect(200).await;

    assert_eq!(found.body, json!([created.body]));
    assert_eq!(found.header("Link"), None);
    assert_eq!(found.header("Cache-Control"), Some("no-store"));
}

#[tokio::test]
async fn each_criterion_finds_its_records_and_no_others() {
    let api = AuditApi::start().await;
    let id = api.store(NOON, &record_of(PATIENT)).await;
    api.store(NOON, &other_record()).await;
    let without_optional_fields = json!({
        "sourceSystemName": "Other", "resource": {"type": "patient", "operation": "find"}
    });
    api.store(NOON, &without_optional_fields).await;
    assert_eq!(api.found(&day()).await.len(), 3);

    for (name, value, is_enough) in criteria() {
        assert_eq!(api.found(&with(day(), name, value.clone())).await, [id.as_str()], "{name}");
        if is_enough {
            assert_eq!(api.found(&json!({name: value})).await, [id.as_str()], "{name}");
        }
    }
}

#[tokio::test]
async fn a_record_must_match_all_criteria() {
    let api = AuditApi::start().await;
    let id = api.store(NOON, &record_of(PATIENT)).await;
    let all = criteria().into_iter().fold(day(), |all, (name, value, _)| with(all, name, value));
    assert_eq!(api.found(&all).await, [id]);

    let others = [
        ("patientId", json!(OTHER_PATIENT)),
        ("resourceType", json!("patient")),
        ("resourceId", json!("8")),
        ("operation", json!("read")),
        ("outcome", json!("failed")),
        ("userId", json!("nurse-2")),
        ("subscriptionId", json!("clinic-8")),
        ("organisation", json!("Clinic 8")),
        ("purpose", json!("ETREAT")),
        ("traceId", json!("0af7651916cd43dd8448eb211c80319c")),
        ("relatesTo", json!("0190a6b2-4444-7abc-8def-0123456789ab")),
        ("from", json!("2026-03-01T12:00:01Z")),
        ("to", json!(NOON)),
    ];
    for (name, value) in others {
        assert_eq!(api.found(&with(all.clone(), name, value)).await, [""; 0], "{name}");
    }
}

#[tokio::test]
async fn a_patients_records_are_those_about_the_patient_and_those_that_disclosed_the_patient() {
    let api = AuditApi::start().await;
    let record = |resource: Value| json!({"sourceSystemName": "S", "resource": resource});
    let about_a_test = record(
        json!({"type": "medicalTest", "operation": "read", "id": "7", "patientId": PATIENT}),
    );
    let about_the_patient = record(json!({"type": "patient", "operation": "find", "id": PATIENT}));
    let search = record(
        json!({"type": "patient", "operation": "search", "disclosed": [OTHER_PATIENT, PATIENT]}),
    );
    let all_three = record(json!({
        "type": "patient", "operation": "read", "id": PATIENT, "patientId": PATIENT,
        "disclosed": [PATIENT]
    }));
    let mut expected = Vec::new();
    for record in [&about_a_test, &about_the_patient, &search, &all_three] {
        expected.push(api.store(NOON, record).await);
    }
    let of_another_type = record(json!({"type": "visit", "operation": "read", "id": PATIENT}));
    let other_search = record(
        json!({"type": "patient", "operation": "search", "query": {"id": PATIENT}, "disclosed": []}),
    );
    for record in [&of_another_type, &other_search, &other_record()] {
        api.store(NOON, record).await;
    }

    let mut found = api.found(&json!({"patientId": PATIENT})).await;

    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn records_of_the_scaffold_are_found() {
    let api = AuditApi::start().await;
    let id = Uuid::new_v4().to_string();
    let stored = doc! {
        "_id": &id, "_shardKey": &id, "id": &id,
        "createdDate": DateTime::parse_rfc3339_str("2020-05-14T15:14:15.120Z").unwrap(),
        "sourceSystemName": "PatientTestApi",
        "resource": { "id": PATIENT, "type": "patient", "operation": "find" },
    };
    api.store_all(vec![stored]).await;

    assert_eq!(api.found(&json!({"patientId": PATIENT})).await, [id.as_str()]);
    assert_eq!(api.found(&json!({"resourceId": PATIENT})).await, [id]);
}

#[tokio::test]
async fn identifiers_match_in_any_letter_case() {
    let api = AuditApi::start().await;
    let mut stored = record_of(PATIENT);
    stored["resource"]["id"] = json!(OTHER_PATIENT);
    let id = api.store(NOON, &stored).await;

    for (name, value) in [
        ("patientId", PATIENT),
        ("resourceId", OTHER_PATIENT),
        ("traceId", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("relatesTo", "0190a6b2-1111-7abc-8def-0123456789ab"),
    ] {
        let found = api.found(&json!({name: value.to_uppercase()})).await;
        assert_eq!(found, [id.as_str()], "{name}");
    }
}

#[tokio::test]
async fn from_is_inclusive_and_to_is_exclusive() {
    let api = AuditApi::start().await;
    let mut stored = Vec::new();
    for millisecond in ["000", "001", "002"] {
        let created_date = format!("2026-03-01T12:00:00.{millisecond}Z");
        stored.push(api.store(&created_date, &record_of(PATIENT)).await);
    }
    let [first, second, third] = [&stored[0], &stored[1], &stored[2]];

    let periods = [
        ("2026-03-01T12:00:00.000Z", "2026-03-01T12:00:00.002Z", vec![second, first]),
        ("2026-03-01T12:00:00.001Z", "2026-03-01T12:00:00.003Z", vec![third, second]),
        ("2026-03-01T12:00:00.000000001Z", "2026-03-01T12:00:00.001000001Z", vec![second]),
        ("2026-03-01T13:00:00+01:00", "2026-03-01t12:00:00.001z", vec![first]),
        ("2026-03-01T12:00:00.001Z", "2026-03-01T12:00:00.001Z", vec![]),
    ];
    for (from, to, expected) in periods {
        let expected: Vec<_> = expected.into_iter().cloned().collect();
        let period = json!({"from": from, "to": to});
        assert_eq!(api.found(&period).await, expected, "{period}");
        let of_the_patient = with(period.clone(), "patientId", json!(PATIENT));
        assert_eq!(api.found(&of_the_patient).await, expected, "{of_the_patient}");
    }
    let since = json!({"patientId": PATIENT, "from": "2026-03-01T12:00:00.001Z"});
    assert_eq!(api.found(&since).await, [third.as_str(), second]);
    let until = json!({"patientId": PATIENT, "to": "2026-03-01T12:00:00.001Z"});
    assert_eq!(api.found(&until).await, [first.as_str()]);
}

#[tokio::test]
async fn a_search_without_a_match_is_an_empty_list() {
    let api = AuditApi::start().await;

    let found = api.search("", &json!({"patientId": PATIENT})).expect(200).await;

    assert_eq!(found.body, json!([]));
    assert_eq!(found.header("Link"), None);
}

#[tokio::test]
async fn pages_are_newest_first_and_neither_lose_nor_repeat_records_while_others_are_added() {
    let api = AuditApi::start().await;
    // Many records of the same millisecond, so that pages end within one.
    let mut stored_records: Vec<_> = (0..40)
        .map(|number| {
            let created_date = format!("2026-03-01T12:00:00.{:03}Z", number % 3);
            (created_date, Uuid::new_v4().to_string())
        })
        .collect();
    let documents = stored_records
        .iter()
        .map(|(created_date, id)| stored(id, created_date, &record_of(PATIENT)))
        .collect();
    api.store_all(documents).await;
    stored_records.sort();
    let expected: Vec<_> = stored_records.into_iter().rev().map(|(_, id)| id).collect();

    for criteria in [json!({"patientId": PATIENT}), day()] {
        let mut found = Vec::new();
        let mut query = "?limit=7".to_owned();
        loop {
            let page = api.search(&query, &criteria).expect(200).await;
            found.extend(ids(&page.body));
            // Newer records belong before the first page.
            api.store("2026-03-01T13:00:00Z", &record_of(PATIENT)).await;
            match page.next_page() {
                Some(next) => query = next,
                None => break,
            }
        }

        let added: Vec<_> = found.iter().take_while(|id| !expected.contains(id)).collect();
        assert_eq!(found[added.len()..], expected, "{criteria}");
    }
}

#[tokio::test]
async fn pages_of_large_records_end_early_and_lose_none() {
    let api = AuditApi::start().await;
    let mut large = record_of(PATIENT);
    large["resource"]["disclosed"] = json!(vec!["x".repeat(256); 1000]);
    let mut expected = Vec::new();
    for _ in 0..20 {
        expected.push(api.store(NOON, &large).await);
    }
    expected.sort();
    expected.reverse();

    let first = api.search("", &json!({"patientId": PATIENT})).expect(200).await;
    let next = first.next_page().unwrap();
    let second = api.search(&next, &json!({"patientId": PATIENT})).expect(200).await;

    assert_eq!([ids(&first.body), ids(&second.body)].concat(), expected);
    assert_eq!(ids(&first.body).len(), 16);
    assert_eq!(second.next_page(), None);
}

#[tokio::test]
async fn wrong_and_unbounded_criteria_are_refused() {
    let api = AuditApi::start().await;
    api.create(&record_of(PATIENT)).expect(201).await;
    let unbounded = "must have patientId, resourceId, userId, subscriptionId, traceId or relatesTo, \
                     or from and to";
    let text = "must be 1 to 256 characters long";
    let moment = "must be an RFC 3339 date-time";
    let outcome = "must be intended, succeeded, notFound, refused, failed or unknown";
    let guid = "must be a GUID";
    let trace_id = "must be 32 hexadecimal digits";
    let refusals = [
        (json!({}), vec![("", unbounded)]),
        (json!({"outcome": "maybe"}), vec![("", unbounded), ("/outcome", outcome)]),
        (json!({"patientId": null}), vec![("", unbounded)]),
        (json!({"from": NOON}), vec![("", unbounded)]),
        (json!({"to": NOON}), vec![("", unbounded)]),
        (
            json!({
                "resourceType": "patient", "operation": "read", "outcome": "failed",
                "organisation": "Clinic 7", "purpose": "TREAT"
            }),
            vec![("", unbounded)],
        ),
        (
            json!({"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00.001Z"}),
            vec![("/to", "must be at most 31 days after from")],
        ),
        (
            json!({"from": "2026-03-01T00:00:00.001Z", "to": "2026-03-01T00:00:00Z"}),
            vec![("/to", "must not be before from")],
        ),
        (
            json!({"patientId": PATIENT, "from": "2026-03-02T00:00:00Z", "to": NOON}),
            vec![("/to", "must not be before from")],
        ),
        (json!({"patientId": PATIENT, "name": "x"}), vec![("/name", "is not a known field")]),
        (
            json!({"PatientId": PATIENT}),
            vec![("", unbounded), ("/PatientId", "is not a known field")],
        ),
        (json!([PATIENT]), vec![("", "must be an object")]),
        (
            json!({
                "patientId": "7", "resourceType": "", "resourceId": 7, "operation": ["read"],
                "outcome": "maybe", "userId": {"$ne": ""}, "subscriptionId": "\u{200b}",
                "organisation": "a\u{202e}b", "purpose": "x".repeat(257), "traceId": "7",
                "relatesTo": "7", "from": "yesterday", "to": "2026-03-01"
            }),
            vec![
                ("/patientId", guid),
                ("/resourceId", "must be text"),
                ("/userId", "must be text"),
                ("/subscriptionId", "must have a visible character"),
                ("/traceId", trace_id),
                ("/relatesTo", guid),
                ("/from", moment),
                ("/to", moment),
                ("/resourceType", text),
                ("/operation", "must be text"),
                ("/outcome", outcome),
                ("/organisation", "must not have control characters or bidirectional overrides"),
                ("/purpose", text),
            ],
        ),
    ];

    for (criteria, wrong_fields) in refusals {
        let refused = api.search("", &criteria).expect(400).await;

        assert_eq!(refused.problem(), "invalid-request");
        assert_eq!(refused.wrong_fields(), wrong_fields, "{criteria}");
    }
}

#[tokio::test]
async fn thirty_one_days_are_searched_and_longer_with_another_bound() {
    let api = AuditApi::start().await;
    let id = api.store(NOON, &record_of(PATIENT)).await;

    let month = json!({"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"});
    assert_eq!(api.found(&month).await, [id.as_str()]);
    let years = json!({"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"});
    assert_eq!(api.found(&with(years, "patientId", json!(PATIENT))).await, [id]);
}

#[tokio::test]
async fn malformed_pages_and_other_bad_requests_are_refused() {
    let api = AuditApi::start().await;
    let id = api.store(NOON, &record_of(PATIENT)).await;
    let criteria = json!({"patientId": PATIENT});

    for cursor in [id.as_str(), "1", "1.7", "%2B1.7", &format!("01.{id}"), &format!("1.{id}.1")] {
        let refused = api.search(&format!("?cursor={cursor}"), &criteria).expect(400).await;
        let expected = "The query parameter cursor must be taken from a Link header.";
        assert_eq!(refused.body["detail"], expected, "{cursor}");
    }
    for query in ["?limit=0", "?limit=1001", "?page=2", "?limit=1&limit=1"] {
        let refused = api.search(query, &criteria).expect(400).await;
        assert_eq!(refused.problem(), "invalid-request", "{query}");
    }
    let call = || api.app.call("POST", "auditrecord/search");
    assert_eq!(call().expect(400).await.problem(), "invalid-request");
    assert_eq!(call().bytes("{").expect(400).await.problem(), "invalid-request");
    let repeated = format!("{{\"patientId\": \"{PATIENT}\", \"patientId\": \"{PATIENT}\"}}");
    let repeated = call().bytes(repeated).expect(400).await;
    assert_eq!(repeated.wrong_fields(), [("/patientId", "occurs more than once")]);
    let versioned = call().json(&criteria).header("If-Match", "*").expect(412).await;
    assert_eq!(versioned.problem(), "version-mismatch");
}

/// An index that is merely walked from end to end is no better than a scan of the collection, so the
/// index entries that are read are counted too.
#[tokio::test]
async fn every_search_uses_an_index_that_suits_it() {
    let api = AuditApi::start().await;
    let connection_string = mongo::for_tests().await;
    let collections = printed_plan().collections;
    create_collections(&connection_string, api.database.name(), &collections).await.unwrap();
    let of_others = (0..2000).map(|number| {
        let created_date = format!("2026-02-{:02}T12:00:00.{:03}Z", 1 + number % 28, number % 1000);
        let mut record = other_record();
        record["relatesTo"] = json!(Uuid::new_v4().to_string());
        stored(&Uuid::new_v4().to_string(), &created_date, &record)
    });
    api.store_all(of_others.collect()).await;
    for _ in 0..5 {
        api.store(NOON, &record_of(PATIENT)).await;
    }
    let mut searches: Vec<_> = criteria()
        .into_iter()
        .map(
            |(name, value, is_enough)| {
                if is_enough { json!({name: value}) } else { with(day(), name, value) }
            },
        )
        .collect();
    searches.push(day());
    searches.push(with(json!({"patientId": PATIENT}), "operation", json!("search")));
    searches.push(with(day(), "patientId", json!(PATIENT)));

    api.database.run_command(doc! { "profile": 2 }).await.unwrap();
    for criteria in &searches {
        let first = api.search("?limit=3", criteria).expect(200).await;
        assert_eq!(ids(&first.body).len(), 3, "{criteria}");
        let second = api.search(&first.next_page().unwrap(), criteria).expect(200).await;
        assert_eq!(ids(&second.body).len(), 2, "{criteria}");
    }
    api.database.run_command(doc! { "profile": 0 }).await.unwrap();

    let finds = finds_of(&api).await;
    assert_eq!(finds.len(), 2 * searches.len());
    for find in finds {
        let explained = doc! { "explain": &find, "verbosity": "executionStats" };
        let explained = api.database.run_command(explained).await.unwrap();
        let plan = explained.get_document("queryPlanner").unwrap();
        let plan = plan.get_document("winningPlan").unwrap().to_string();
        assert!(plan.contains("IXSCAN") && !plan.contains("COLLSCAN"), "{find}\n{plan}");
        let read = explained.get_document("executionStats").unwrap();
        let read = read.get_i32("totalKeysExamined").unwrap();
        assert!(read <= 30, "{read} index entries were read\n{find}\n{plan}");
    }
}

/// The `find` commands that the app sent while the profiler was on.
async fn finds_of(api: &AuditApi) -> Vec<Document> {
    let namespace = format!("{}.audits", api.database.name());
    let profile = api.database.collection::<Document>("system.profile");
    let entries = profile.find(doc! { "ns": namespace, "op": "query" }).await.unwrap();
    let entries: Vec<_> = entries.try_collect().await.unwrap();
    let command = |entry: &Document| {
        let sent = entry.get_document("command").unwrap();
        let mut find = Document::new();
        for name in ["find", "filter", "sort", "limit"] {
            find.insert(name, sent.get(name).unwrap());
        }
        find
    };
    entries.iter().map(command).collect()
}
