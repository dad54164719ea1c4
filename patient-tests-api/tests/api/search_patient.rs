//! `SearchPatient`, POST patient/search

use serde_json::{Value, json};

use crate::canaries::fields;
use crate::helpers::{PatientTestsApi, patient, patient_with, unknown_id};

#[tokio::test]
async fn patients_are_found_by_each_field_and_by_all_together() {
    let api = PatientTestsApi::start().await;
    let ada = api.create_patient().await;
    let bo =
        json!({"firstName": "Bo", "gender": "unknown", "dateOfBirth": "1990", "postCode": "0000"});
    api.call("POST", "patient").json(&bo).expect(201).await;
    let mut everything = patient();
    everything.as_object_mut().unwrap().remove("dateOfBirth");
    everything["id"] = json!(ada);
    everything["dateOfBirthFrom"] = json!("1980-12-10");
    everything["dateOfBirthTo"] = json!("1980-12-10");
    let criteria = [
        json!({"id": ada.to_uppercase()}),
        json!({"firstName": "Ada"}),
        json!({"lastName": "Lovelace"}),
        json!({"fullName": "Ada Lovelace"}),
        json!({"gender": "female"}),
        json!({"postCode": "2000"}),
        json!({"insuranceNumber": "I-815"}),
        json!({"preferredContactNumber": "+61 2 5550 0000"}),
        json!({"dateOfBirthTo": "1985"}),
        json!({"firstName": "Ada", "lastName": null}),
        everything,
    ];

    for criteria in criteria {
        let found = api.call("POST", "patient/search").json(&criteria).expect(200).await;

        assert_eq!(ids(&found.body), [ada.as_str()], "{criteria}");
        assert_eq!(found.body[0], api.load_patient(&ada).await.body);
        assert_eq!(found.header("Link"), None);
    }
}

#[tokio::test]
async fn each_criterion_of_the_schema_tells_a_patient_from_others() {
    let api = PatientTestsApi::start().await;
    let ada = api.create_patient().await;
    // Criteria that match the patient, and criteria that do not.
    let table = [
        ("id", ada.as_str(), unknown_id().as_str()),
        ("firstName", "Ada", "Bo"),
        ("lastName", "Lovelace", "Ada"),
        ("fullName", "Ada Lovelace", "Ada"),
        ("gender", "female", "male"),
        ("postCode", "2000", "2001"),
        ("insuranceNumber", "I-815", "I-816"),
        ("preferredContactNumber", "+61 2 5550 0000", "+61 2 5550 0001"),
        ("dateOfBirthFrom", "1980-12-10", "1980-12-11"),
        ("dateOfBirthTo", "1980-12-10", "1980-12-09"),
    ]
    .map(|(criterion, good, other)| (criterion, good.to_owned(), other.to_owned()));

    let mut tried: Vec<_> = table.iter().map(|(criterion, ..)| (*criterion).to_owned()).collect();
    tried.sort_unstable();
    assert_eq!(tried, fields("PatientSearch"), "a criterion of the schema has no row here");
    for (criterion, good, other) in table {
        for (value, expected) in [(good, vec![ada.as_str()]), (other, vec![])] {
            let criteria = json!({criterion: value});
            let found = api.call("POST", "patient/search").json(&criteria).expect(200).await;

            assert_eq!(ids(&found.body), expected, "{criteria}");
        }
    }
}

#[tokio::test]
async fn a_search_without_matches_returns_an_empty_list() {
    let api = PatientTestsApi::start().await;
    api.create_patient().await;

    for criteria in [
        json!({"id": unknown_id()}),
        json!({"firstName": "Adá"}),
        json!({"firstName": "Ad"}),
        json!({"fullName": "AdaLovelace"}),
        json!({"insuranceNumber": "i-815"}),
        json!({"firstName": ".*"}),
        json!({"firstName": "Ada", "gender": "male"}),
        json!({"dateOfBirthFrom": "1980-12-11"}),
        json!({"dateOfBirthTo": "1980-12-09"}),
        json!({"dateOfBirthFrom": "1981", "dateOfBirthTo": "1980"}),
    ] {
        let found = api.call("POST", "patient/search").json(&criteria).expect(200).await;

        assert_eq!(found.text, "[]", "{criteria}");
        assert_eq!(found.header("Link"), None);
    }
}

#[tokio::test]
async fn ranges_of_birth_dates_include_their_first_and_last_day() {
    let api = PatientTestsApi::start().await;
    for born in ["1980-12-10", "1980-12", "1980", "1980-01-01", "1979-12-31", "0001-01-01"] {
        api.call("POST", "patient")
            .json(&patient_with("dateOfBirth", json!(born)))
            .expect(201)
            .await;
    }
    // A month or a year stands for any of its days.
    let (day, month, year) = ("1980-12-10", "1980-12", "1980");
    let ranges = [
        (json!({"dateOfBirthFrom": "1980"}), vec![year, "1980-01-01", month, day]),
        (json!({"dateOfBirthFrom": "1980-01-02"}), vec![year, month, day]),
        (json!({"dateOfBirthFrom": "1980-12-31"}), vec![year, month]),
        (json!({"dateOfBirthFrom": "1981"}), vec![]),
        (
            json!({"dateOfBirthTo": "1980-01-01"}),
            vec!["0001-01-01", "1979-12-31", year, "1980-01-01"],
        ),
        (json!({"dateOfBirthTo": "1979"}), vec!["0001-01-01", "1979-12-31"]),
        (
            json!({"dateOfBirthFrom": "1980-12-10", "dateOfBirthTo": "1980-12-10"}),
            vec![year, month, day],
        ),
        (json!({"dateOfBirthFrom": "1980-06-01", "dateOfBirthTo": "1980-06"}), vec![year]),
        // A birthday has no time zone: the date counts as written.
        (
            json!({
                "dateOfBirthFrom": "1980-12-10T23:59:59+14:00",
                "dateOfBirthTo": "1980-12-10T00:00:00-12:00"
            }),
            vec![year, month, day],
        ),
        (json!({"dateOfBirthFrom": "1980-12-11T01:00:00+02:00"}), vec![year, month]),
        (json!({"dateOfBirthFrom": "1979-12", "dateOfBirthTo": "1979-12"}), vec!["1979-12-31"]),
        (json!({"dateOfBirthTo": "0001"}), vec!["0001-01-01"]),
        // A range that ends before it starts.
        (json!({"dateOfBirthFrom": "1980-06-02", "dateOfBirthTo": "1980-06-01"}), vec![]),
    ];

    for (criteria, expected) in ranges {
        let found = api.call("POST", "patient/search").json(&criteria).expect(200).await;

        let mut born: Vec<_> = texts(&found.body, "dateOfBirth");
        born.sort_unstable();
        assert_eq!(born, expected, "{criteria}");
    }
}

#[tokio::test]
async fn names_are_found_however_they_are_spelled() {
    let api = PatientTestsApi::start().await;
    let mut body = patient();
    body["firstName"] = json!("Zoe\u{308}");
    body["lastName"] = json!(" Groß  Müller");
    body["fullName"] = json!("Zoë Groß Müller");
    let created = api.call("POST", "patient").json(&body).expect(201).await;
    assert_eq!(created.body["lastName"], " Groß  Müller");
    api.create_patient().await;

    for criteria in [
        json!({"firstName": "zoë"}),
        json!({"firstName": "ZOË "}),
        json!({"lastName": "GROSS MÜLLER"}),
        json!({"lastName": "groß\u{a0}mu\u{308}ller"}),
        json!({"fullName": "zoe\u{308} gross müller"}),
        json!({"firstName": "Zoë", "lastName": "Groß Müller", "fullName": "Zoë Groß Müller"}),
        json!({"firstName": "Zoë", "lastName": "Groß Müller", "dateOfBirthFrom": "1980-12"}),
    ] {
        let found = api.call("POST", "patient/search").json(&criteria).expect(200).await;

        assert_eq!(ids(&found.body), [created.body["id"].as_str().unwrap()], "{criteria}");
    }
    let mixed = json!({"firstName": "Zoë", "lastName": "Lovelace"});
    let found = api.call("POST", "patient/search").json(&mixed).expect(200).await;
    assert_eq!(found.text, "[]");
}

#[tokio::test]
async fn a_changed_name_is_found_and_the_former_one_is_not() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let mut body = patient_with("id", json!(id));
    body["lastName"] = json!(null);
    body["firstName"] = json!("Augusta");
    api.call("PUT", &format!("patient/{id}")).json(&body).expect(200).await;

    for (criteria, found) in [
        (json!({"firstName": "AUGUSTA"}), 1),
        (json!({"firstName": "Ada"}), 0),
        (json!({"lastName": "Lovelace"}), 0),
    ] {
        let page = api.call("POST", "patient/search").json(&criteria).expect(200).await;

        assert_eq!(page.body.as_array().unwrap().len(), found, "{criteria}");
    }
}

#[tokio::test]
async fn deleted_patients_are_not_found() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let other = api.create_patient().await;
    api.call("DELETE", &format!("patient/{id}")).expect(204).await;

    let found = api.call("POST", "patient/search").json(&json!({})).expect(200).await;

    assert_eq!(ids(&found.body), [other]);
}

#[tokio::test]
async fn pages_lead_through_everyone_once_and_in_order() {
    let api = PatientTestsApi::start().await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(api.create_patient().await);
    }
    all.sort_unstable();

    let mut query = "?limit=2".to_owned();
    let mut pages = Vec::new();
    loop {
        let path = format!("patient/search{query}");
        let page = api.call("POST", &path).json(&json!({"firstName": "Ada"})).expect(200).await;
        pages.push(ids(&page.body).iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
        let Some(link) = page.header("Link") else { break };
        let last = pages.last().unwrap().last().unwrap();
        assert_eq!(link, format!("<?cursor={last}&limit=2>; rel=\"next\""));
        query = page.next_page().unwrap();
    }

    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(pages.concat(), all);
}

#[tokio::test]
async fn a_page_that_is_just_full_is_the_last() {
    let api = PatientTestsApi::start().await;
    api.create_patient().await;
    api.create_patient().await;

    for limit in [2, 1000] {
        let path = format!("patient/search?limit={limit}");
        let found = api.call("POST", &path).json(&json!({})).expect(200).await;

        assert_eq!(ids(&found.body).len(), 2);
        assert_eq!(found.header("Link"), None);
    }
}

#[tokio::test]
async fn the_search_is_recorded_with_its_criteria_and_what_it_discloses() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let criteria = json!({"firstName": "Ada", "gender": "female", "dateOfBirthFrom": "1980"});

    api.call("POST", "patient/search").json(&criteria).expect(200).await;
    api.call("POST", "patient/search").json(&json!({"firstName": "Bo"})).expect(200).await;

    let records = api.records_since(1);
    let resource = |record: usize| &records[record].body["resource"];
    assert_eq!(
        resource(0),
        &json!({"type": "patient", "operation": "search", "disclosed": [id], "query": criteria})
    );
    assert_eq!(
        resource(1),
        &json!({"type": "patient", "operation": "search", "disclosed": [], "query": {"firstName": "Bo"}})
    );
    assert_eq!(api.outcomes_since(1), ["succeeded", "succeeded"]);
}

#[tokio::test]
async fn every_wrong_field_is_listed_and_nothing_is_disclosed_or_recorded() {
    let api = PatientTestsApi::start().await;
    api.create_patient().await;
    let refusals = [
        (json!([]), vec![""]),
        (json!({"id": "42"}), vec!["/id"]),
        (json!({"firstName": ""}), vec!["/firstName"]),
        (json!({"firstName": {"$ne": "x"}}), vec!["/firstName"]),
        (json!({"gender": "any", "postCode": "20000"}), vec!["/gender", "/postCode"]),
        (json!({"dateOfBirthFrom": "yesterday"}), vec!["/dateOfBirthFrom"]),
        (json!({"dateOfBirthTo": "1980-02-30"}), vec!["/dateOfBirthTo"]),
        (json!({"dateOfBirth": "1980"}), vec!["/dateOfBirth"]),
        (json!({"$where": "true", "a/b~c": 1}), vec!["/$where", "/a~1b~0c"]),
    ];
    let before = api.side_effects().await;

    for (criteria, pointers) in refusals {
        let refused = api.call("POST", "patient/search").json(&criteria).expect(400).await;

        assert_eq!(refused.problem(), "invalid-request");
        let named: Vec<_> =
            refused.wrong_fields().into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(named, pointers, "{criteria}");
        assert!(!refused.text.contains("Lovelace"), "{}", refused.text);
    }
    assert_eq!(api.side_effects().await, before);
}

fn ids(body: &Value) -> Vec<&str> {
    texts(body, "id")
}

fn texts<'a>(body: &'a Value, field: &str) -> Vec<&'a str> {
    let items = body.as_array().expect("a list");
    items.iter().map(|item| item[field].as_str().expect("text")).collect()
}
