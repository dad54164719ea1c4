//! HEAD for every GET.

use crate::helpers::{PatientTestsApi, unknown_id};

#[tokio::test]
async fn head_is_served_and_recorded_like_get_without_a_body() {
    let api = PatientTestsApi::start().await;
    let id = api.create_patient().await;
    let test_id = api.create_test(&id).await;
    api.create_test(&id).await;
    for path in [
        format!("patient/{id}"),
        format!("patient/{id}/tests?limit=1"),
        format!("patient/{id}/tests/{test_id}"),
        format!("patient/{id}/tests/{}", unknown_id()),
        "patient/42".to_owned(),
        "health".to_owned(),
    ] {
        let recorded = api.audit.records().len();
        let got = api.call("GET", &path).send().await;
        let of_get = api.records_since(recorded);
        let asked = api.call("HEAD", &path).send().await;
        let of_head = api.records_since(recorded + of_get.len());

        assert_eq!((asked.status, asked.text.as_str()), (got.status, ""), "{path}");
        for name in ["ETag", "Link", "Content-Type"] {
            assert_eq!(asked.header(name), got.header(name), "{path}: {name}");
        }
        assert_eq!(of_head.len(), of_get.len(), "{path}");
        for (of_head, of_get) in of_head.iter().zip(&of_get) {
            assert_eq!(of_head.body["resource"], of_get.body["resource"], "{path}");
            assert_eq!(of_head.body["outcome"], of_get.body["outcome"], "{path}");
        }
    }
}
