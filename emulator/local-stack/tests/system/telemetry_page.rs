use serde_json::json;
use stand_ins::api_management::{
    ApiManagement, ApiManagementOptions, GatewayIdentity, PolicyFiles, PolicyValues, Products,
};
use stand_ins::app_insights::AppInsights;
use stand_ins::key_vault::KeyVault;

use crate::browser::Page;
use crate::telemetry_client::{OPERATION, item, json, request, send};

async fn start() -> (AppInsights, ApiManagement) {
    let insights = AppInsights::start().await.unwrap();
    let vault = KeyVault::start().await.unwrap();
    let options = ApiManagementOptions {
        port: None,
        service_url: "http://127.0.0.1:9/api".to_owned(),
        openapi: json!({ "paths": {} }),
        policies: PolicyFiles::deployed(),
        values: PolicyValues::unlimited(vault.secret_uri("key")),
        products: Products::deployed(),
        subscriptions: Vec::new(),
        identity: GatewayIdentity {
            identity: vault.identity("gateway"),
            trusted_certificate: vault.trusted_certificate().to_owned(),
        },
        signing_keys: Vec::new(),
        insights: None,
        pages: Some(local_stack::pages::new(json!({}), "", insights.telemetry().clone())),
    };
    let gateway = ApiManagement::start(options).await.unwrap();
    (insights, gateway)
}

/// An operation: a request, its audit call, and an insert at the second attempt.
async fn send_operation(insights: &AppInsights) {
    let request_id = "00f067aa0ba902b7";
    let audit = json!({
        "id": "00000000000000a1", "name": "POST /auditrecord", "type": "HTTP",
        "target": "127.0.0.1:7072", "duration": "00:00:00.010000", "resultCode": "201",
        "success": true,
    });
    let served = json!({
        "id": "00000000000000a2", "name": "CreateAuditRecord", "duration": "00:00:00.008000",
        "responseCode": "201", "success": true,
    });
    let insert = json!({
        "id": "00000000000000a3", "name": "insert", "type": "mongodb", "target": "patients",
        "duration": "00:00:00.020000", "success": false, "properties": { "attempts": "2" },
    });
    let line = json!({
        "message": "<b>throttled</b>", "severityLevel": 2, "properties": { "attempt": "1" },
    });
    let items = [
        item(insights, "MessageData", 17, "00000000000000a3", line),
        item(insights, "RemoteDependencyData", 15, request_id, insert),
        item(insights, "RequestData", 3, "00000000000000a1", served),
        item(insights, "RemoteDependencyData", 2, request_id, audit),
        request(insights),
    ];
    assert_eq!(send(insights, &items).await.status(), 200);
}

#[tokio::test]
async fn a_new_request_appears_and_opens_as_a_timeline() {
    let (insights, gateway) = start().await;
    let mut page = Page::open(&format!("{}/telemetry", gateway.url()), 1280, "light").await;
    page.until("document.getElementById('state').textContent === 'Live'").await;
    assert_eq!(page.value("document.getElementById('empty').hidden").await, false);

    send_operation(&insights).await;

    page.until("document.querySelectorAll('#requests tr').length === 1").await;
    let row = page.value("document.querySelector('#requests tr').innerText").await;
    let row = row.as_str().unwrap();
    for text in ["CreatePatient", "patient-tests-api", "201 succeeded", "40.0 ms"] {
        assert!(row.contains(text), "{row}");
    }
    page.value("document.querySelector('#requests a').click()").await;
    page.until("document.querySelectorAll('#spans li').length === 4").await;
    let names = "[...document.querySelectorAll('#spans strong')].map((name) => name.textContent)";
    let expected = json!(["CreatePatient", "POST /auditrecord", "CreateAuditRecord", "insert"]);
    assert_eq!(page.value(names).await, expected);
    let bars =
        "[...document.querySelectorAll('.bar')].map(({ style }) => [style.left, style.width])";
    let expected = json!([["0%", "100%"], ["5%", "25%"], ["7.5%", "20%"], ["37.5%", "50%"]]);
    assert_eq!(page.value(bars).await, expected);
    let spans = page.value("document.getElementById('spans').innerText").await;
    for text in ["+15.0 ms, 20.0 ms", "2 attempts", "mongodb patients", "failed", "201 succeeded"] {
        assert!(spans.as_str().unwrap().contains(text), "{spans}");
    }
    let log = page.value("document.getElementById('logs').innerText").await;
    assert!(log.as_str().unwrap().contains("warning patient-tests-api: <b>throttled</b>"), "{log}");
    assert_eq!(page.value("document.activeElement.id").await, "operation-title");
    page.value("document.querySelector('#operation a').click()").await;
    page.until("document.getElementById('operation').hidden").await;
}

#[tokio::test]
async fn a_trace_id_opens_its_timeline_with_a_shareable_link() {
    let (insights, gateway) = start().await;
    send_operation(&insights).await;
    let mut page = Page::open(&format!("{}/telemetry", gateway.url()), 1280, "light").await;

    find(&mut page, &format!(" {} ", OPERATION.to_uppercase())).await;

    page.until("document.querySelectorAll('#spans li').length === 4").await;
    let link = page.value("document.getElementById('link').href").await;
    let link = link.as_str().unwrap();
    assert_eq!(page.value("document.getElementById('link').textContent").await, link);
    let mut shared = Page::open(link, 1280, "light").await;
    shared.until("document.querySelectorAll('#spans li').length === 4").await;
    assert_eq!(shared.value("document.getElementById('trace').value").await, OPERATION);
    assert_eq!(shared.value("document.getElementById('list').hidden").await, true);
}

#[tokio::test]
async fn unknown_and_invalid_trace_ids_are_distinguished() {
    let (insights, gateway) = start().await;
    let mut page = Page::open(&format!("{}/telemetry", gateway.url()), 1280, "light").await;
    let state = "document.getElementById('state').textContent";

    for text in ["42", "%", "4bf92f3577b34da6a3ce929d0e0e473g", "\u{201c}"] {
        find(&mut page, &"0".repeat(32)).await;
        page.until(&format!("{state}.startsWith('No telemetry is stored for this trace id')"))
            .await;
        find(&mut page, text).await;
        page.until(&format!("{state}.startsWith('This is not a trace id')")).await;
        assert_eq!(page.value("document.getElementById('found').hidden").await, true, "{text}");
    }
    // Later items are shown without another search.
    find(&mut page, OPERATION).await;
    page.until(&format!("{state}.startsWith('No telemetry is stored for this trace id')")).await;
    send_operation(&insights).await;
    page.until("document.querySelectorAll('#spans li').length === 4").await;
}

/// Searches for a trace id.
async fn find(page: &mut Page, text: &str) {
    page.value(&format!("document.getElementById('trace').value = {}", json!(text))).await;
    page.value("document.getElementById('find').requestSubmit()").await;
}

#[tokio::test]
async fn the_page_fits_a_phone_and_has_a_dark_scheme() {
    let (insights, gateway) = start().await;
    send_operation(&insights).await;
    let mut page = Page::open(&format!("{}/telemetry", gateway.url()), 390, "dark").await;
    let fits = "document.documentElement.scrollWidth <= 390";

    page.until("document.querySelectorAll('#requests tr').length === 1").await;
    assert_eq!(page.value(fits).await, true);
    page.value(&format!("location.hash = 'trace={OPERATION}'")).await;
    page.until("document.querySelectorAll('#spans li').length === 4").await;
    assert_eq!(page.value(fits).await, true);
    let ground = page.value("getComputedStyle(document.body).backgroundColor").await;
    assert_eq!(ground, "rgb(15, 19, 23)");
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let (_insights, gateway) = start().await;
    let get = |path: &str| stand_ins::http_client().get(format!("{}{path}", gateway.url())).send();

    for path in ["/telemetry", "/telemetry/page.css", "/telemetry/page.js", "/telemetry/requests"] {
        let response = get(path).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let text = response.text().await.unwrap();
        for foreign in ["http:", "https:", "innerHTML", "style=", "onclick"] {
            assert!(!text.contains(foreign), "{path}: {foreign}");
        }
    }
    assert_eq!(get("/telemetry/operations/none").await.unwrap().status(), 404);
    assert_eq!(get("/telemetryx").await.unwrap().status(), 404);
}

#[tokio::test]
async fn an_unchanged_list_is_a_304() {
    let (insights, gateway) = start().await;
    let url = format!("{}/telemetry/requests", gateway.url());
    let client = stand_ins::http_client();
    let first = client.get(&url).send().await.unwrap();
    let tag = first.headers()["etag"].clone();
    let again = || client.get(&url).header("If-None-Match", tag.clone()).send();

    assert_eq!(again().await.unwrap().status(), 304);
    send_operation(&insights).await;
    assert_eq!(again().await.unwrap().status(), 200);
}

#[tokio::test]
async fn gateway_host_and_app_share_one_row() {
    let (insights, gateway) = start().await;
    let served = |at_ms, parent, id: &str, name, properties| {
        let data = json!({
            "id": id, "name": name, "duration": "00:00:00.001000", "responseCode": "503",
            "success": false, "properties": properties,
        });
        item(&insights, "RequestData", at_ms, parent, data)
    };
    let items = [
        served(2, "02", "03", "CreatePatient", json!({ "problem": "unavailable" })),
        served(1, "01", "02", "CreatePatient", json!({})),
        served(0, "of the caller", "01", "POST /patient", json!({})),
    ];
    assert_eq!(send(&insights, &items).await.status(), 200);

    let url = format!("{}/telemetry/requests", gateway.url());
    let listed = json(stand_ins::http_client().get(url).send().await.unwrap()).await;

    let requests = listed["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 1, "{listed}");
    assert_eq!(requests[0]["name"], "POST /patient");
    assert_eq!(requests[0]["function"], "CreatePatient");
    assert_eq!(requests[0]["problem"], "unavailable");
}

#[tokio::test]
async fn a_cycle_of_parents_is_shown() {
    let (insights, gateway) = start().await;
    let call = |id: &str, parent| {
        let data = json!({ "id": id, "name": id, "duration": "00:00:00" });
        item(&insights, "RemoteDependencyData", 0, parent, data)
    };
    assert_eq!(send(&insights, &[call("a", "b"), call("b", "a")]).await.status(), 200);

    let url = format!("{}/telemetry/operations/{OPERATION}", gateway.url());
    let timeline = json(stand_ins::http_client().get(url).send().await.unwrap()).await;

    assert_eq!(timeline["spans"].as_array().unwrap().len(), 2, "{timeline}");
}
