//! The setting `PURPOSE_OF_USE`.

use crate::every_function::Stocked;
use crate::helpers::{PatientTestsApi, unknown_id};
use crate::scoped_functions::FUNCTIONS;
use crate::scopes::call;

const MISSING: &str = "The header X-Purpose-Of-Use is missing.";

#[tokio::test]
async fn every_function_but_health_can_require_a_purpose() {
    let api = PatientTestsApi::start_with(&[("PURPOSE_OF_USE", "required")]).await;
    let stocked = Stocked { api, patient_id: unknown_id(), test_id: unknown_id() };
    let api = &stocked.api;

    for (method, path, ..) in FUNCTIONS {
        let refused = call(&stocked, method, path).expect(400).await;

        if method != "HEAD" {
            assert_eq!(refused.problem(), "invalid-request", "{method} {path}");
            assert_eq!(refused.body["detail"], MISSING, "{method} {path}");
        }
    }
    assert_eq!(api.side_effects().await, (vec![], 0));

    api.call("GET", "health").expect(200).await;
    for (method, path, ..) in FUNCTIONS {
        let request = call(&stocked, method, path).header("X-Purpose-Of-Use", "TREAT");
        assert_ne!(request.send().await.body["detail"], MISSING, "{method} {path}");
    }
}

#[tokio::test]
async fn without_the_setting_a_purpose_is_optional() {
    for setting in ["recorded", ""] {
        let api = PatientTestsApi::start_with(&[("PURPOSE_OF_USE", setting)]).await;

        api.create_patient().await;
    }
}
