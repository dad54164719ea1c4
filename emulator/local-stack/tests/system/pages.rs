//! The pages on the gateway's port.

use emulator::app_insights::AppInsights;

use crate::stack::Stack;

#[tokio::test]
async fn no_cache_may_keep_a_page() {
    let insights = AppInsights::start().await.unwrap();
    let stack = Stack::echoing(|options| {
        options.telemetry = Some(insights.telemetry().clone());
        options.docs = true;
    })
    .await;

    for (page, parts) in [
        ("/docs", &["", "/page.css", "/page.js", "/openapi.json"][..]),
        ("/telemetry", &["", "/page.css", "/page.js", "/requests"]),
    ] {
        let whole = parts.iter().map(|part| ("GET", format!("{page}{part}"), 200));
        let refused = [("GET", format!("{page}/none"), 404), ("POST", page.to_owned(), 405)];
        for (method, target, status) in whole.chain(refused) {
            let answer = stack.bare(method, &target).send().await.unwrap();
            assert_eq!(answer.status(), status, "{target}");
            let lines: Vec<_> = answer.headers().get_all("cache-control").iter().collect();
            assert_eq!(lines, ["no-store"], "{target}");
        }
    }
}

#[tokio::test]
async fn there_are_no_pages_unless_they_are_asked_for() {
    let stack = Stack::start().await;

    for page in ["/docs", "/telemetry"] {
        assert_eq!(stack.bare("GET", page).send().await.unwrap().status(), 404);
    }
}
