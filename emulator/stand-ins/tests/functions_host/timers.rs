//! Functions that run on a schedule.

use std::fs;

use serde_json::{Value, json};

use crate::app::{App, Plan, eventually, sent};

/// The payload of the last invocation.
fn last_payload(app: &App) -> Value {
    serde_json::from_str(app.noted("payloads").last().unwrap()).unwrap()
}

#[tokio::test]
async fn a_timer_runs_its_function_repeatedly() {
    let app = Plan::new().timer("Tick", "* * * * * *").start().await;

    app.noted_lines("finished", 2).await;

    assert!(app.noted("requests").iter().all(|request| request == "POST /Tick"));
    let payload = last_payload(&app);
    let info = json!({
        "Schedule": { "AdjustForDST": true }, "ScheduleStatus": null, "IsPastDue": false
    });
    assert_eq!(payload["Data"], json!({ "timer": info }));
    let metadata = payload["Metadata"].as_object().unwrap();
    assert_eq!(metadata.keys().collect::<Vec<_>>(), ["sys"]);
    assert_eq!(metadata["sys"]["MethodName"], "Tick");
}

#[tokio::test]
async fn runs_of_a_timer_do_not_overlap() {
    let schedule = "* * * * * *";
    let app = Plan::new().timer("Slow", schedule).timer("Tick", schedule).start().await;
    app.noted_lines("requests", 1).await;
    let occurrences = |app: &App, file: &str, name: &str| {
        app.noted(file).iter().filter(|line| line.ends_with(name)).count()
    };

    // By then the timer has been due several times.
    eventually("four runs have finished", async || occurrences(&app, "finished", "/Tick") >= 4)
        .await;
    assert_eq!(
        (occurrences(&app, "requests", "/Slow"), occurrences(&app, "finished", "/Slow")),
        (1, 0)
    );

    app.release("slow");
    eventually("the next run has begun", async || occurrences(&app, "requests", "/Slow") == 2)
        .await;
}

#[tokio::test]
async fn a_run_missed_without_a_host_is_made_up_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let missed = json!({
        "Last": "2026-01-01T07:45:00+00:00",
        "Next": "2026-01-01T08:00:00+00:00",
        "LastUpdated": "2026-01-01T07:45:00+00:00",
    });
    let file = folder.path().join("Reconcile.json");
    fs::write(&file, missed.to_string()).unwrap();
    let start = || {
        let mut plan = Plan::new().timer("Reconcile", "0 */15 * * * *");
        plan.options.timers = Some(folder.path().to_owned());
        plan.start()
    };

    let app = start().await;
    app.noted_lines("finished", 1).await;

    let info = &last_payload(&app)["Data"]["timer"];
    assert_eq!((&info["ScheduleStatus"], &info["IsPastDue"]), (&missed, &json!(true)));
    let kept = || serde_json::from_slice::<Value>(&fs::read(&file).unwrap()).unwrap();
    eventually("the new status is stored", async || kept()["Last"] != missed["Last"]).await;
    app.host.stop().await;

    // The next host finds nothing missed and reports the last run.
    let app = start().await;
    app.host.timers().run("reconcile").await.unwrap();

    let info = &last_payload(&app)["Data"]["timer"];
    assert_eq!((&info["ScheduleStatus"], &info["IsPastDue"]), (&kept(), &json!(false)));
    assert_eq!(app.noted("finished").len(), 1, "only the run on demand");
}

#[tokio::test]
async fn a_function_runs_on_demand_for_the_master_key() {
    let app = Plan::new().timer("Reconcile", "0 0 0 1 1 *").function("Echo", "echo").start().await;
    let run = |function: &str, key: &str| {
        let request = app.request("POST", &format!("/admin/functions/{function}"));
        sent(request.header("x-functions-key", key.to_owned()).body("{}"))
    };

    for (function, key, status) in [
        ("Reconcile", "wrong", 401),
        ("Reconcile", "host-key", 403),
        ("Echo", "master-key", 404),
        ("Other", "master-key", 404),
        ("Reconcile", "master-key", 202),
    ] {
        let response = run(function, key).await;
        assert_eq!((response.status, response.body.as_str()), (status, ""), "{function} {key}");
    }

    app.noted_lines("finished", 1).await;
    assert_eq!(app.noted("requests"), ["POST /Reconcile"]);
    let without = app.request("POST", "/admin/functions/Reconcile?code=master-key");
    assert_eq!(sent(without).await.status, 400, "there is no invocation in the body");
}

#[tokio::test]
async fn a_run_on_demand_returns_its_outcome() {
    let schedule = "0 0 0 1 1 *";
    let app = Plan::new().timer("Tick", schedule).timer("Refused", schedule).start().await;
    let timers = app.host.timers();

    assert_eq!(timers.run("Tick").await, Ok(()));
    assert_eq!(timers.run("Refused").await.unwrap_err().to_string(), "the run failed");
    let unknown = timers.run("Other").await.unwrap_err().to_string();
    assert_eq!(unknown, "no function of this name has a timer trigger");
    let lines: Vec<_> = app.host.console().into_iter().map(|line| line.text).collect();
    assert!(lines.contains(&"host: a run of Refused failed".to_owned()), "{lines:?}");
    assert_eq!(app.host.invocation_logs()[0].text, "ticked");
}

#[tokio::test]
async fn a_timed_out_run_restarts_the_handler_and_the_schedule_continues() {
    let app = Plan::new()
        .timer("Slow", "* * * * * *")
        .host_json("", "functionTimeout", json!("00:00:01"))
        .start()
        .await;

    app.noted_lines("starts", 2).await;

    app.noted_lines("requests", 2).await;
    assert_eq!(app.noted("finished").len(), 0);
}

#[tokio::test]
async fn a_timer_that_is_disabled_runs_on_demand_only() {
    let app = Plan::new()
        .timer("Off", "* * * * * *")
        .timer("Tick", "* * * * * *")
        .setting("AzureWebJobs.Off.Disabled", "true")
        .start()
        .await;

    app.noted_lines("finished", 2).await;
    assert!(app.noted("requests").iter().all(|request| request == "POST /Tick"));

    app.host.timers().run("Off").await.unwrap();
}

#[tokio::test]
async fn unsupported_timer_settings_fail_the_start() {
    for members in [
        json!({ "name": "timer", "schedule": "*/15 * * * *" }),
        json!({ "name": "timer", "schedule": "00:15:00" }),
        json!({ "name": "timer" }),
        json!({ "name": "timer", "schedule": "0 * * * * *", "runOnStartup": true }),
        json!({ "name": "timer", "schedule": "0 * * * * *", "useMonitor": false }),
    ] {
        let error = Plan::new().timer_binding("Tick", members.clone()).refused().await;
        assert!(error.contains("Tick/function.json: "), "{members}: {error}");
    }
}
