//! Documents that Microsoft's scaffold wrote: without a version or internal fields other than the
//! shard key.

use mongodb::bson::{Bson, DateTime, Document, doc};
use serde_json::json;

use crate::helpers::{PatientTestsApi, changed};

const PATIENT_ID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const TEST_ID: &str = "9b2d1c7e-0a44-4d0e-8f2b-52f0b3a6f7d1";

fn patient() -> Document {
    doc! {
        "_id": PATIENT_ID,
        "_shardKey": PATIENT_ID,
        "id": PATIENT_ID,
        "firstName": "Grace",
        "lastName": Bson::Null,
        "gender": "female",
        "dateOfBirth": "1906-12-09",
        "postCode": "1010",
        "insuranceNumber": Bson::Null,
        "lastUpdated": DateTime::parse_rfc3339_str("2020-05-14T15:14:15.12Z").unwrap(),
    }
}

fn medical_test(issued: impl Into<Bson>) -> Document {
    doc! {
        "_id": TEST_ID,
        "_shardKey": PATIENT_ID,
        "id": TEST_ID,
        "patientId": PATIENT_ID,
        "performer": "Laboratory 1",
        "orderReference": "O-1",
        "observations": [{
            "id": "1", "code": "4548-4", "measurement": "5.4 %", "interpretation": "normal",
            "status": "final", "issued": issued.into()
        }],
        "lastUpdated": DateTime::parse_rfc3339_str("2020-05-14T15:14:15.12Z").unwrap(),
    }
}

async fn with_patient(patient: Document) -> PatientTestsApi {
    let api = PatientTestsApi::start().await;
    api.patients().insert_one(patient).await.unwrap();
    api
}

async fn with_test(test: Document) -> PatientTestsApi {
    let api = PatientTestsApi::start().await;
    api.tests().insert_one(test).await.unwrap();
    api
}

#[tokio::test]
async fn a_patient_is_readable_as_version_1() {
    let api = with_patient(patient()).await;

    let loaded = api.call("GET", &format!("patient/{PATIENT_ID}")).expect(200).await;

    assert_eq!(loaded.header("ETag"), Some("\"1\""));
    assert_eq!(
        loaded.body,
        json!({
            "id": PATIENT_ID, "firstName": "Grace", "gender": "female",
            "dateOfBirth": "1906-12-09", "postCode": "1010",
            "lastUpdated": "2020-05-14T15:14:15.120Z"
        })
    );
}

#[tokio::test]
async fn a_patient_becomes_version_2_with_the_first_change() {
    for expected in [Some("\"1\""), None] {
        let api = with_patient(patient()).await;
        let path = format!("patient/{PATIENT_ID}");
        let body = changed(&api.load_patient(PATIENT_ID).await, "postCode", json!("2020"));
        let mut call = api.call("PUT", &path).json(&body);
        if let Some(expected) = expected {
            call = call.header("If-Match", expected);
        }

        let updated = call.expect(200).await;

        assert_eq!(updated.header("ETag"), Some("\"2\""));
        let document = api.patients().find_one(doc! {}).await.unwrap().unwrap();
        assert_eq!(document.get_i64("_version").unwrap(), 2);
        assert_eq!(document.get_str("postCode").unwrap(), "2020");
        // The update makes her date of birth searchable.
        let criteria = json!({"dateOfBirthTo": "1906"});
        let found = api.call("POST", "patient/search").json(&criteria).expect(200).await;
        assert_eq!(found.body, json!([updated.body]));
    }
}

#[tokio::test]
async fn another_version_than_1_does_not_match() {
    let api = with_patient(patient()).await;
    let body = changed(&api.load_patient(PATIENT_ID).await, "postCode", json!("2020"));
    let before = api.documents().await;

    let call = api.call("PUT", &format!("patient/{PATIENT_ID}")).header("If-Match", "\"2\"");
    let refused = call.json(&body).expect(412).await;

    assert_eq!(refused.header("ETag"), Some("\"1\""));
    assert_eq!(api.documents().await, before);
}

#[tokio::test]
async fn only_one_of_two_concurrent_first_changes_succeeds() {
    let api = with_patient(patient()).await;
    let body = changed(&api.load_patient(PATIENT_ID).await, "postCode", json!("2020"));
    let path = format!("patient/{PATIENT_ID}");
    let update = || api.call("PUT", &path).header("If-Match", "\"1\"").json(&body).send();

    let (one, other) = tokio::join!(update(), update());

    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[tokio::test]
async fn a_patient_is_found_and_can_be_deleted() {
    let api = with_patient(patient()).await;
    for criteria in [json!({"firstName": "Grace"}), json!({"id": PATIENT_ID}), json!({})] {
        let found = api.call("POST", "patient/search").json(&criteria).expect(200).await;

        assert_eq!(found.body[0]["id"], PATIENT_ID, "{criteria}");
    }

    let path = format!("patient/{PATIENT_ID}");
    api.call("DELETE", &path).header("If-Match", "\"1\"").expect(204).await;

    assert_eq!(api.load_patient(PATIENT_ID).await.problem(), "deleted");
}

#[tokio::test]
async fn an_impossible_date_of_birth_is_readable_but_not_writable() {
    for born in ["1906-02-31", "in spring", ""] {
        let mut patient = patient();
        patient.insert("dateOfBirth", born);
        let api = with_patient(patient).await;

        let loaded = api.load_patient(PATIENT_ID).await;
        assert_eq!((loaded.status, &loaded.body["dateOfBirth"]), (200, &json!(born)));

        let call = api.call("PUT", &format!("patient/{PATIENT_ID}")).json(&loaded.body);
        let refused = call.expect(400).await;
        assert_eq!(
            refused.wrong_fields(),
            [(
                "/dateOfBirth",
                "must be a calendar date, YYYY, YYYY-MM or YYYY-MM-DD, and not in the future"
            )]
        );

        let body = changed(&loaded, "dateOfBirth", json!("1906"));
        api.call("PUT", &format!("patient/{PATIENT_ID}")).json(&body).expect(200).await;
    }
}

#[tokio::test]
async fn a_test_is_readable_without_its_patient() {
    let moment = DateTime::parse_rfc3339_str("2020-05-14T15:14:15.12Z").unwrap();
    for (issued, expected) in [
        (Bson::from("2020-05-14T15:14:15.1200+02:00"), "2020-05-14T15:14:15.1200+02:00"),
        (Bson::from(moment), "2020-05-14T15:14:15.12Z"),
    ] {
        let api = with_test(medical_test(issued)).await;

        let path = format!("patient/{PATIENT_ID}/tests");
        let loaded = api.call("GET", &format!("{path}/{TEST_ID}")).expect(200).await;
        let listed = api.call("GET", &path).expect(200).await;

        assert_eq!(loaded.header("ETag"), Some("\"1\""));
        assert_eq!(
            loaded.body,
            json!({
                "id": TEST_ID, "patientId": PATIENT_ID, "performer": "Laboratory 1",
                "orderReference": "O-1",
                "observations": [{
                    "id": "1", "code": "4548-4", "measurement": "5.4 %",
                    "interpretation": "normal", "status": "final", "issued": expected
                }],
                "lastUpdated": "2020-05-14T15:14:15.120Z"
            })
        );
        assert_eq!(listed.body, json!([loaded.body]));
    }
}

#[tokio::test]
async fn a_test_without_its_patient_can_be_changed_and_deleted() {
    let api = with_test(medical_test("2020-05-14T15:14:15Z")).await;
    let path = format!("patient/{PATIENT_ID}/tests/{TEST_ID}");
    let loaded = api.call("GET", &path).expect(200).await;
    let body = changed(&loaded, "performer", json!("Laboratory 2"));

    let updated = api.call("PUT", &path).header("If-Match", "\"1\"").json(&body).expect(200).await;
    assert_eq!(updated.header("ETag"), Some("\"2\""));
    assert_eq!(updated.body["performer"], "Laboratory 2");

    api.call("DELETE", &path).header("If-Match", "\"2\"").expect(204).await;
    assert_eq!(api.call("GET", &path).expect(410).await.problem(), "deleted");
}

#[tokio::test]
async fn a_patient_is_found_by_the_exact_name() {
    let api = with_patient(patient()).await;

    for (name, found) in [("Grace", 1), ("grace", 0)] {
        let criteria = json!({"firstName": name});
        let page = api.call("POST", "patient/search").json(&criteria).expect(200).await;

        assert_eq!(page.body.as_array().unwrap().len(), found, "{name}");
    }
    let body = changed(&api.load_patient(PATIENT_ID).await, "postCode", json!("2020"));
    api.call("PUT", &format!("patient/{PATIENT_ID}")).json(&body).expect(200).await;

    let found = api.call("POST", "patient/search").json(&json!({"firstName": "grace"}));
    assert_eq!(found.expect(200).await.body.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_older_document_is_found_by_the_first_day_of_birth() {
    let mut older = patient();
    older.insert("dateOfBirth", "1906");
    older.insert("_dateOfBirthDate", DateTime::parse_rfc3339_str("1906-01-01T00:00:00Z").unwrap());
    let api = with_patient(older).await;

    for (from, found) in [("1906-01-01", 1), ("1906-01-02", 0)] {
        let criteria = json!({"dateOfBirthFrom": from});
        let page = api.call("POST", "patient/search").json(&criteria).expect(200).await;

        assert_eq!(page.body.as_array().unwrap().len(), found, "{from}");
    }
}

#[tokio::test]
async fn text_that_would_be_refused_now_stays_readable_and_deletable() {
    let mut older = patient();
    older.insert("firstName", "\u{202e}ecarG");
    older.insert("postCode", "    ");
    let api = with_patient(older).await;
    let path = format!("patient/{PATIENT_ID}");

    let loaded = api.load_patient(PATIENT_ID).await;
    assert_eq!((loaded.status, &loaded.body["firstName"]), (200, &json!("\u{202e}ecarG")));
    let found = api.call("POST", "patient/search").json(&json!({})).expect(200).await;
    assert_eq!(found.body, json!([loaded.body]));

    let refused = api.call("PUT", &path).json(&loaded.body).expect(400).await;
    let wrong: Vec<_> = refused.wrong_fields().iter().map(|(pointer, _)| *pointer).collect();
    assert_eq!(wrong, ["/firstName", "/postCode"]);
    api.call("DELETE", &path).expect(204).await;
}

#[tokio::test]
async fn a_test_without_measurement_and_interpretation_is_readable() {
    let mut test = medical_test("2020-05-14");
    let finding =
        doc! { "id": "1", "code": "4548-4", "status": "final", "issued": "2016-12-31T23:59:60Z" };
    test.insert("observations", vec![finding]);
    let api = with_test(test).await;

    let path = format!("patient/{PATIENT_ID}/tests/{TEST_ID}");
    let loaded = api.call("GET", &path).expect(200).await;

    assert_eq!(
        loaded.body["observations"],
        json!([{"id": "1", "code": "4548-4", "status": "final", "issued": "2016-12-31T23:59:60Z"}])
    );
}

#[tokio::test]
async fn a_patient_has_a_history_and_is_restored() {
    let api = with_patient(patient()).await;
    let path = format!("patient/{PATIENT_ID}");
    let listed = api.call("GET", &format!("{path}/history")).expect(200).await;
    assert_eq!(
        listed.body,
        json!([{
            "version": 1, "lastUpdated": "2020-05-14T15:14:15.120Z", "operation": "create",
            "deleted": false
        }])
    );
    api.call("DELETE", &path).expect(204).await;

    let first = api.call("GET", &format!("{path}/history/1")).expect(200).await;
    assert_eq!((first.header("ETag"), &first.body["firstName"]), (Some("\"1\""), &json!("Grace")));
    assert_eq!(first.body["lastUpdated"], "2020-05-14T15:14:15.120Z");
    let restore = api.call("POST", &format!("{path}/restore")).json(&json!({"version": 1}));
    let restored = restore.expect(200).await;

    assert_eq!(restored.header("ETag"), Some("\"3\""));
    // What this app derives from the names is there now.
    let found = api.call("POST", "patient/search").json(&json!({"firstName": "GRACE"}));
    assert_eq!(found.expect(200).await.body, json!([restored.body]));
}

#[tokio::test]
async fn a_test_has_a_history_and_is_restored() {
    let api = with_test(medical_test("2020-05-14")).await;
    let path = format!("patient/{PATIENT_ID}/tests/{TEST_ID}");
    api.call("DELETE", &path).expect(204).await;

    let restore = api.call("POST", &format!("{path}/restore")).json(&json!({"version": 1}));
    let restored = restore.expect(200).await;

    assert_eq!(restored.header("ETag"), Some("\"3\""));
    assert_eq!(restored.body["performer"], "Laboratory 1");
}
