use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use stand_ins::app_insights::{AppInsights, Data, Fault, ITEMS_MAX};

use crate::client::{OPERATION, call, item, json, request, send};

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn items_are_accepted_on_both_paths_with_any_encoding() {
    let insights = AppInsights::start().await.unwrap();
    let one = request(&insights).to_string();
    let (array, lines) = (format!("[{one},{one}]"), format!("{one}\n{one}\n"));

    for (path, body) in
        [("v2.1/track", &array), ("v2/track", &array), ("v2.1/track", &lines), ("v2/track", &lines)]
    {
        let plain = call(&insights, path).body(body.clone());
        let packed = call(&insights, path).header("Content-Encoding", "gzip").body(gzip(body));
        for call in [plain, packed] {
            let response = call.send().await.unwrap();
            assert_eq!(response.status(), 200);
            let expected = json!({ "itemsReceived": 2, "itemsAccepted": 2, "errors": [] });
            assert_eq!(json(response).await, expected);
        }
    }
    let items = insights.items();
    assert_eq!(items.len(), 16);
    assert_eq!(items[0].operation_id(), Some(OPERATION));
    assert_eq!(items[0].parent_id(), None);
    assert_eq!(items[0].role(), Some("patient-tests-api"));
    assert_eq!(items[0].span_id(), Some("00f067aa0ba902b7"));
    assert_eq!(items[0].property("faas.name"), Some("CreatePatient"));
    let Data::Request(read) = &items[0].data else {
        panic!("the item must be a request: {items:?}")
    };
    assert_eq!((read.duration, read.success), (Duration::from_millis(40), true));
    assert_eq!(items[0].envelope, request(&insights));
}

#[tokio::test]
async fn every_kind_of_item_is_read() {
    let insights = AppInsights::start().await.unwrap();
    let items = [
        ("RemoteDependencyData", json!({ "name": "insert", "duration": "00:00:00.001000" })),
        ("ExceptionData", json!({ "exceptions": [{ "typeName": "E", "message": "broken" }] })),
        ("MessageData", json!({ "message": "throttled", "severityLevel": 2 })),
        ("EventData", json!({ "name": "rotated" })),
        ("MetricData", json!({ "metrics": [{ "name": "requests", "value": 3.0, "count": 3 }] })),
    ];
    let items = items.map(|(kind, data)| item(&insights, kind, 1, "00f067aa0ba902b7", data));

    assert_eq!(json(send(&insights, &items).await).await["itemsAccepted"], 5);
    assert_eq!(insights.items().len(), 5);
    assert!(insights.rejected().is_empty());
}

#[tokio::test]
async fn an_invalid_item_is_rejected_with_a_reason() {
    let insights = AppInsights::start().await.unwrap();
    let base = "/data/baseData";
    let long = |length| Value::from("x".repeat(length));
    let other_key = "00000000-0000-4000-8000-000000000000";

    for (pointer, value, reason) in [
        ("/name", json!("Microsoft.ApplicationInsights.Message"), "name is not Microsoft"),
        ("/time", json!("yesterday"), "time is not in RFC 3339 format"),
        ("/time", json!(1), "invalid type"),
        ("/iKey", json!("key"), "iKey is not a GUID"),
        ("/iKey", json!(other_key), "iKey is unknown"),
        ("/data/baseType", json!("PatientData"), "unknown variant"),
        (&format!("{base}/ver"), json!(1), "ver is not 2"),
        (&format!("{base}/id"), json!(null), "invalid type: null"),
        (&format!("{base}/id"), json!(""), "id is empty"),
        (&format!("{base}/duration"), json!("40 ms"), "a duration is not of the form"),
        (&format!("{base}/responseCode"), json!(201), "invalid type"),
        (&format!("{base}/success"), json!("yes"), "invalid type"),
        (&format!("{base}/name"), long(1025), "name has more than 1024 characters"),
        (&format!("{base}/properties"), json!({ "x".repeat(151): "" }), "more than 150"),
        (&format!("{base}/properties"), json!({ "a": long(8193) }), "more than 8192"),
        (&format!("{base}/properties"), json!({ "a": 1 }), "invalid type"),
        ("/tags", json!({ "ai.cloud.role": long(257) }), "more than 256 characters"),
        ("/tags", json!({ "ai.operation.id": long(129) }), "more than 128 characters"),
        ("/sampleRate", long(64 << 10), "more than 65536 bytes"),
    ] {
        let mut wrong = request(&insights);
        wrong["sampleRate"] = json!(100.0);
        *wrong.pointer_mut(pointer).unwrap() = value;

        let response = send(&insights, &[wrong]).await;

        assert_eq!(response.status(), 400, "{pointer}");
        let errors = json(response).await["errors"].clone();
        assert!(errors[0]["message"].as_str().unwrap().contains(reason), "{pointer}: {errors}");
        assert!(insights.rejected().last().unwrap().reason.contains(reason), "{pointer}");
    }
    for field in ["name", "id", "duration", "responseCode", "success"] {
        let mut without = request(&insights);
        without.pointer_mut(base).unwrap().as_object_mut().unwrap().remove(field);
        let errors = json(send(&insights, &[without]).await).await["errors"].clone();
        let message = errors[0]["message"].as_str().unwrap();
        assert!(message.contains(&format!("missing field `{field}`")), "{message}");
    }
    assert!(insights.items().is_empty());
}

#[tokio::test]
async fn the_valid_items_of_a_batch_are_kept() {
    let insights = AppInsights::start().await.unwrap();
    let good = request(&insights);

    let response = send(&insights, &[good.clone(), json!({}), good]).await;

    assert_eq!(response.status(), 206);
    let report = json(response).await;
    assert_eq!((&report["itemsReceived"], &report["itemsAccepted"]), (&json!(3), &json!(2)));
    assert_eq!(report["errors"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&report["errors"][0]["index"], &report["errors"][0]["statusCode"]),
        (&json!(1), &json!(400))
    );
    assert_eq!(insights.items().len(), 2);
}

#[tokio::test]
async fn a_body_without_items_is_refused() {
    let insights = AppInsights::start().await.unwrap();
    let track = || call(&insights, "v2.1/track");
    let bomb = gzip(&" ".repeat((32 << 20) + 1));

    for (call, status) in [
        (track().body(""), 400),
        (track().body("[]"), 400),
        (track().body("[{"), 400),
        (track().body(vec![0xff, 0xfe]), 400),
        (track().header("Content-Encoding", "gzip").body("plain"), 400),
        (track().header("Content-Encoding", "gzip").body(bomb), 413),
        (track().header("Content-Encoding", "br").body("x"), 415),
        (track().body(vec![b' '; (4 << 20) + 1]), 413),
        (call(&insights, "v3/track").body("{}"), 404),
    ] {
        assert_eq!(call.send().await.unwrap().status(), status);
    }
    assert!(insights.items().is_empty());
}

#[tokio::test]
async fn it_can_be_made_to_fail() {
    let insights = AppInsights::start().await.unwrap();
    let track = || call(&insights, "v2.1/track").body(request(&insights).to_string());

    insights.fail(Some(Fault::Status(402)));
    assert_eq!(track().send().await.unwrap().status(), 402);
    insights.fail(Some(Fault::Drop));
    assert!(track().send().await.is_err());
    insights.fail(Some(Fault::Hang));
    let hanging = track().timeout(Duration::from_millis(200)).send().await;
    assert!(hanging.unwrap_err().is_timeout());
    assert!(insights.items().is_empty());
    assert!(insights.fault_count() >= 3);
    insights.fail(None);
    assert_eq!(track().send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn only_the_newest_items_are_kept() {
    let insights = AppInsights::start().await.unwrap();
    let mut lines = String::new();
    for number in 0..ITEMS_MAX + 10 {
        let data = json!({ "message": number.to_string() });
        lines += &format!("{}\n", item(&insights, "MessageData", 0, "", data));
    }

    let response = call(&insights, "v2.1/track").body(lines).send().await.unwrap();

    assert_eq!(response.status(), 200);
    let items = insights.items();
    assert_eq!(items.len(), ITEMS_MAX);
    let Data::Message(oldest) = &items[0].data else {
        panic!("the item must be a message: {:?}", items[0])
    };
    assert_eq!(oldest.message, "10");
}

#[tokio::test]
async fn one_can_wait_for_items() {
    let insights = AppInsights::start().await.unwrap();
    let later = async {
        assert!(!insights.until(|items| !items.is_empty(), Duration::from_millis(1)).await);
        send(&insights, &[request(&insights)]).await
    };

    let (arrived, _) = tokio::join!(insights.until(|items| items.len() == 1, LIMIT), later);

    assert!(arrived);
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}
