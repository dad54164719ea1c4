//! Concurrent writes.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use mongodb::bson::doc;
use serde_json::json;
use stand_ins::mongo;
use stand_ins::mongo::Proxy;

use crate::helpers::{PatientTestsApi, patient_with};

#[tokio::test]
async fn only_one_of_two_updates_of_the_same_version_succeeds() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let update = |name: &str| {
        let mut body = patient_with("id", json!(id));
        body["firstName"] = json!(name);
        api.call("PUT", &format!("patient/{id}")).header("If-Match", "\"1\"").json(&body).send()
    };

    let (one, other) = tokio::join!(update("Augusta"), update("Ada King"));

    let (winner, loser) = if one.status == 200 { (one, other) } else { (other, one) };
    assert_eq!((winner.status, winner.header("ETag")), (200, Some("\"2\"")), "{winner:#?}");
    assert_eq!((loser.status, loser.header("ETag")), (412, Some("\"2\"")), "{loser:#?}");
    let loaded = api.load_patient(&id).await;
    assert_eq!((loaded.header("ETag"), &loaded.body), (Some("\"2\""), &winner.body));
}

#[tokio::test]
async fn unconditional_updates_at_once_all_happen_one_after_the_other() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let updates = (0..8).map(|number| {
        let mut body = patient_with("id", json!(id));
        body["firstName"] = json!(format!("Ada {number}"));
        api.call("PUT", &format!("patient/{id}")).json(&body).expect(200)
    });

    let updated = join_all(updates).await;

    let mut versions: Vec<_> =
        updated.iter().map(|response| response.header("ETag").unwrap()).collect();
    versions.sort_unstable();
    assert_eq!(versions, ["\"2\"", "\"3\"", "\"4\"", "\"5\"", "\"6\"", "\"7\"", "\"8\"", "\"9\""]);
    let last = updated.iter().find(|response| response.header("ETag") == Some("\"9\"")).unwrap();
    assert_eq!(api.load_patient(&id).await.body, last.body);
    let listed = api.call("GET", &format!("patient/{id}/history")).expect(200).await;
    let listed = listed.body.as_array().unwrap();
    let announced: BTreeSet<_> =
        listed.iter().map(|version| version["auditRecordId"].as_str().unwrap()).collect();
    assert_eq!((listed.len(), announced.len()), (9, 9), "each version has a record of its own");
    for response in &updated {
        let version = response.header("ETag").unwrap().trim_matches('"');
        let kept = api.call("GET", &format!("patient/{id}/history/{version}")).expect(200).await;
        assert_eq!(kept.body, response.body, "version {version} is as its author saw it");
    }
}

#[tokio::test]
async fn two_dozen_unconditional_updates_at_once_all_happen() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let body = patient_with("id", json!(id));
    let updates = (0..24).map(|_| api.call("PUT", &format!("patient/{id}")).json(&body).send());

    let statuses: Vec<_> = join_all(updates).await.iter().map(|response| response.status).collect();

    assert_eq!(statuses, [200; 24]);
    assert_eq!(api.load_patient(&id).await.header("ETag"), Some("\"25\""));
}

#[tokio::test]
async fn a_write_that_keeps_losing_to_concurrent_writes_is_refused_and_recorded() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let api = PatientTestsApi::start_on(&proxy.connection_string(), &[]).await;
    let id = api.create_patient().await;
    let before = api.documents().await;
    // As if the patient were changed between each read and each write.
    proxy.reply_instead("update", usize::MAX, doc! { "ok": 1.0, "n": 0, "nModified": 0 });

    let update = api.call("PUT", &format!("patient/{id}")).json(&patient_with("id", json!(id)));
    let refused = update.expect(409).await;

    assert_eq!(refused.problem(), "changing");
    assert!(refused.header("Retry-After").is_some());
    assert_eq!(api.outcomes_since(1), ["intended", "refused"]);
    assert_eq!(api.documents().await, before);
}

#[tokio::test]
async fn an_update_and_a_delete_at_once_leave_a_deleted_patient() {
    let api = PatientTestsApi::start().await;
    for _ in 0..5 {
        let id = api.create_patient().await;
        let path = format!("patient/{id}");
        let update = api.call("PUT", &path).json(&patient_with("id", json!(id))).send();
        let delete = api.call("DELETE", &path).send();

        let (updated, deleted) = tokio::join!(update, delete);

        assert_eq!(deleted.status, 204, "{deleted:#?}");
        let version = match updated.status {
            200 => 3,
            410 => 2,
            _ => panic!("{updated:#?}"),
        };
        let document = api.patients().find_one(doc! { "_id": &id }).await.unwrap().unwrap();
        assert_eq!(document.get_i64("_version").unwrap(), version);
        assert!(document.get_bool("_deleted").unwrap());
        assert_eq!(api.load_patient(&id).await.status, 410);
    }
}

#[tokio::test]
async fn requests_with_one_key_and_different_content_create_one_patient() {
    let api = PatientTestsApi::start().await;
    let creates = (0..6).map(|number| {
        let body = patient_with("firstName", json!(format!("Ada {number}")));
        api.call("POST", "patient").header("Idempotency-Key", "k-1").json(&body).send()
    });

    let mut statuses: Vec<_> =
        join_all(creates).await.iter().map(|response| response.status).collect();

    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422, 422, 422, 422, 422]);
    assert_eq!(api.documents_stored().await, 1);
}
