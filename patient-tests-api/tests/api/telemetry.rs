//! The telemetry that the app sends to Application Insights.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::doc;
use stand_ins::app_insights::{AppInsights, Data, Dependency, Fault, Item, Request};
use stand_ins::audit_api::Behaviour;
use stand_ins::mongo::{self, Proxy};

use crate::helpers::{PatientTestsApi, eventually, patient, unknown_id};

const ROLE: Option<&str> = Some("patient-tests-api");
const LIMIT: Duration = Duration::from_secs(30);

/// Two traces that the caller samples.
const TRACES: [&str; 2] = ["4bf92f3577b34da6a3ce929d0e0e4736", "0af7651916cd43dd8448eb211c80319c"];

fn traceparent(trace: &str, flags: &str) -> String {
    format!("00-{trace}-00f067aa0ba902b7-{flags}")
}

/// The app, and the ingestion endpoint of its telemetry.
struct Watched {
    insights: AppInsights,
    api: PatientTestsApi,
}

impl Watched {
    async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_on(&mongo::for_tests().await, settings).await
    }

    async fn start_on(connection_string: &str, settings: &[(&str, &str)]) -> Self {
        let insights = AppInsights::start().await.expect("a machine has a free port");
        let own = ("APPLICATIONINSIGHTS_CONNECTION_STRING", insights.connection_string());
        let settings: Vec<_> = settings.iter().copied().chain([own]).collect();
        let api = PatientTestsApi::start_on(connection_string, &settings).await;
        Self { insights, api }
    }

    /// Waits for an invocation with this status, and returns it with all related telemetry.
    async fn invocation(&self, status: u16) -> (Request, Vec<Arc<Item>>) {
        let code = status.to_string();
        let with_code = |item: &Arc<Item>| match &item.data {
            // The host also has a request with this status.
            Data::Request(request) if item.role() == ROLE && request.response_code == code => {
                Some((request.clone(), item.operation_id()?.to_owned()))
            }
            _ => None,
        };
        let has = |items: &[Arc<Item>]| items.iter().any(|item| with_code(item).is_some());
        assert!(self.insights.until(has, LIMIT).await, "no {status}: {:#?}", self.insights.items());
        assert!(self.insights.rejected().is_empty(), "{:?}", self.insights.rejected());
        let items = self.insights.items();
        let (request, operation) = items.iter().find_map(with_code).expect("it has arrived");
        let same = |item: &Arc<Item>| item.operation_id() == Some(operation.as_str());
        (request, items.into_iter().filter(same).collect())
    }
}

fn call<'a>(items: &'a [Arc<Item>], name: &str) -> &'a Dependency {
    let named = |item: &'a Arc<Item>| match &item.data {
        Data::Dependency(call) if call.name == name => Some(call),
        _ => None,
    };
    items.iter().find_map(named).unwrap_or_else(|| panic!("no {name}: {items:#?}"))
}

fn messages(items: &[Arc<Item>]) -> Vec<&str> {
    let mut messages = Vec::new();
    for item in items {
        if let Data::Message(message) = &item.data {
            messages.push(message.message.as_str());
        }
    }
    messages
}

#[tokio::test]
async fn a_throttled_insert_shows_its_attempts_and_pauses() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let watched = Watched::start_on(&proxy.connection_string(), &[]).await;
    let error = doc! { "index": 0, "code": 16500, "errmsg": "Error=16500, RetryAfterMs=34" };
    proxy.reply_instead("insert", 2, doc! { "ok": 1, "n": 0, "writeErrors": [error] });

    watched.api.call("POST", "patient").json(&patient()).expect(201).await;

    let (request, items) = watched.invocation(201).await;
    assert_eq!((request.name.as_str(), request.success), ("CreatePatient", true));
    let insert = call(&items, "insert");
    assert_eq!(insert.kind.as_deref(), Some("mongodb"));
    assert_eq!(insert.target.as_deref(), Some(watched.api.database.name()));
    assert_eq!(insert.success, Some(true));
    assert_eq!(insert.properties["db.collection.name"], "patients");
    assert_eq!(insert.properties["attempts"], "3");
    assert_eq!(messages(&items), ["database operation failed, trying again"; 2]);
    let pauses = items.iter().filter_map(|item| item.property("pause_ms"));
    assert_eq!(pauses.collect::<Vec<_>>(), ["34", "34"]);
}

#[tokio::test]
async fn a_failure_of_the_register_shows_where_a_request_failed_and_why() {
    let watched = Watched::start(&[]).await;
    watched.api.audit.behave(Behaviour::Status(400));

    watched.api.call("POST", "patient").json(&patient()).expect(503).await;

    let (request, items) = watched.invocation(503).await;
    assert!(!request.success);
    assert_eq!(request.properties["problem"], "unavailable");
    let audit = call(&items, "POST auditrecord");
    assert_eq!(audit.kind.as_deref(), Some("HTTP"));
    assert_eq!(audit.success, Some(false));
    assert_eq!(audit.result_code.as_deref(), Some("400"));
    let exceptions = items.iter().filter_map(|item| match &item.data {
        Data::Exception(exception) => Some(&exception.exceptions[0]),
        _ => None,
    });
    let told: Vec<_> =
        exceptions.map(|one| (one.type_name.as_deref(), one.message.as_str())).collect();
    let message = "The audit register is unavailable: the register answered 400 Bad Request";
    assert_eq!(told, [(Some("unavailable"), message)]);
}

#[tokio::test]
async fn a_probe_reports_its_checks_and_its_fault_as_one_message() {
    let watched = Watched::start(&[]).await;
    watched.api.call("GET", "health").expect(200).await;
    let (request, items) = watched.invocation(200).await;
    assert_eq!((request.name.as_str(), request.success), ("Health", true));
    assert_eq!(call(&items, "find").success, Some(true));
    let register = call(&items, "GET health");
    assert_eq!((register.kind.as_deref(), register.success), (Some("HTTP"), Some(true)));

    let watched = Watched::start(&[]).await;
    watched.api.audit.behave(Behaviour::Status(404));
    watched.api.call("GET", "health").expect(503).await;
    let (request, items) = watched.invocation(503).await;
    assert!(!request.success);
    assert_eq!(request.properties["problem"], "unavailable");
    assert_eq!(messages(&items), ["unhealthy: requests would fail"]);
    assert!(!items.iter().any(|item| matches!(item.data, Data::Exception(_))), "{items:#?}");
}

#[tokio::test]
async fn a_client_error_is_not_reported_as_a_failure() {
    let watched = Watched::start(&[]).await;

    watched.api.call("GET", &format!("patient/{}", unknown_id())).expect(404).await;

    let (request, items) = watched.invocation(404).await;
    assert!(request.success);
    assert_eq!(request.properties["problem"], "not-found");
    assert!(messages(&items).is_empty(), "{items:#?}");
    assert!(!items.iter().any(|item| matches!(item.data, Data::Exception(_))), "{items:#?}");
}

#[tokio::test]
async fn a_request_names_the_patient_and_the_caller_by_their_ids() {
    let watched = Watched::start(&[]).await;
    let id = watched.api.create_patient().await;
    let call = watched.api.call("GET", &format!("patient/{}", id.to_uppercase()));
    let call = call.header("X-Caller-Subscription", "clinic-7").header("X-Caller-User", "nurse-1");

    call.header("X-Caller-Organisation", "Clinic 7").expect(200).await;

    let (request, items) = watched.invocation(200).await;
    for (name, value) in
        [("patient.id", &*id), ("caller.subscription", "clinic-7"), ("caller.user", "nurse-1")]
    {
        assert_eq!(request.properties[name], value);
    }
    assert!(!format!("{items:?}").contains("Clinic 7"));
}

#[tokio::test]
async fn a_path_that_names_no_patient_is_not_repeated() {
    let watched = Watched::start(&[]).await;

    watched.api.call("GET", "patient/ada-lovelace").expect(404).await;

    let (request, items) = watched.invocation(404).await;
    assert!(!request.properties.contains_key("patient.id"));
    let own = items.iter().filter(|item| item.role() == ROLE);
    assert!(!format!("{:?}", own.collect::<Vec<_>>()).contains("lovelace"));
}

#[tokio::test]
async fn sampling_follows_the_caller_and_otherwise_the_ratio() {
    let watched = Watched::start(&[("TELEMETRY_SAMPLING_RATIO", "0")]).await;
    let path = format!("patient/{}", unknown_id());
    let [left_out, sent] = TRACES;

    for (trace, flags) in [(left_out, "00"), (sent, "01")] {
        let call = watched.api.call("GET", &path);
        call.header("traceparent", &traceparent(trace, flags)).expect(404).await;
    }

    let (_, items) = watched.invocation(404).await;
    assert!(items.iter().all(|item| item.operation_id() == Some(sent)));
    let mut all = watched.insights.items().into_iter().filter(|item| item.role() == ROLE);
    assert!(all.all(|item| item.operation_id() != Some(left_out)));
}

#[tokio::test]
async fn telemetry_that_cannot_be_sent_costs_no_request_and_one_warning() {
    let watched = Watched::start(&[]).await;
    let api = &watched.api;
    let lost = || {
        let console = api.app.host.console().into_iter();
        console.filter(|line| line.text.contains("telemetry was lost")).count()
    };

    // Azure refuses permanently, which is not retried.
    watched.insights.fail(Some(Fault::Status(400)));
    api.create_patient().await;
    eventually("it says that telemetry was lost", async || lost() > 0).await;
    let refused = watched.insights.fault_count();
    api.create_patient().await;
    // The host and the app send separately.
    eventually("both sent", async || watched.insights.fault_count() >= refused + 2).await;

    // Nothing listens.
    watched.insights.fail(Some(Fault::Hang));
    for _ in 0..20 {
        api.create_patient().await;
    }
    watched.insights.fail(None);

    api.load_patient(&api.create_patient().await).await;
    watched.invocation(200).await;
    assert_eq!(lost(), 1);
}

#[tokio::test]
async fn metrics_count_requests_calls_attempts_and_throttling() {
    let proxy = Proxy::start(&mongo::for_tests().await).await;
    let watched = Watched::start_on(&proxy.connection_string(), &[]).await;
    let error = doc! { "index": 0, "code": 16500, "errmsg": "RetryAfterMs=3" };
    proxy.reply_instead("insert", 1, doc! { "ok": 1, "n": 0, "writeErrors": [error] });
    watched.api.create_patient().await;
    watched.api.audit.behave(Behaviour::Status(400));
    watched.api.call("POST", "patient").json(&patient()).expect(503).await;

    for (name, properties, value) in [
        ("invocation.duration", &[("function", "CreatePatient"), ("status", "201")][..], None),
        ("invocation.duration", &[("function", "CreatePatient"), ("status", "503")], None),
        ("invocation.in_flight", &[], Some(0.0)),
        ("audit.duration", &[("success", "true")], None),
        ("audit.duration", &[("success", "false")], None),
        ("database.attempts", &[("operation", "insert"), ("collection", "patients")], Some(2.0)),
        ("database.throttled", &[("operation", "insert"), ("collection", "patients")], Some(1.0)),
    ] {
        let fits = |item: &Arc<Item>| match &item.data {
            Data::Metric(metric) => {
                let point = &metric.metrics[0];
                point.name == name
                    && value.is_none_or(|value| point.value == value)
                    && (value.is_some() || point.count == Some(1.0))
                    && properties.iter().all(|(name, value)| item.property(name) == Some(*value))
            }
            _ => false,
        };
        let arrived = watched.insights.until(|items| items.iter().any(fits), LIMIT).await;
        assert!(arrived, "{name} {properties:?}: {:#?}", watched.insights.items());
    }
    assert!(watched.insights.rejected().is_empty(), "{:?}", watched.insights.rejected());
}

#[tokio::test]
async fn requests_in_emergencies_are_counted() {
    let watched = Watched::start(&[]).await;
    for (purpose, id) in [("TREAT", unknown_id()), ("ETREAT", unknown_id())] {
        let call = watched.api.call("GET", &format!("patient/{id}"));
        call.header("X-Purpose-Of-Use", purpose).expect(404).await;
    }

    let is_one = |item: &Arc<Item>| match &item.data {
        Data::Metric(metric) => {
            let point = &metric.metrics[0];
            point.name == "purpose.emergency" && point.value == 1.0
        }
        _ => false,
    };
    let arrived = watched.insights.until(|items| items.iter().any(is_one), LIMIT).await;
    assert!(arrived, "{:#?}", watched.insights.items());
}
