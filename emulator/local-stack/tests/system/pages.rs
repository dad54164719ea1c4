//! The pages on the gateway's port.

use crate::stack::Stack;

#[tokio::test]
async fn no_cache_may_keep_a_page() {
    let stack = Stack::start().await;

    for (page, parts) in [
        ("/docs", &["", "/page.css", "/page.js", "/openapi.json"][..]),
        ("/telemetry", &["", "/page.css", "/page.js", "/requests"]),
        ("/access-log", &["", "/page.css", "/page.js"]),
    ] {
        let whole = parts.iter().map(|part| ("GET", format!("{page}{part}"), 200));
        let refused = [("GET", format!("{page}/none"), 404), ("POST", page.to_owned(), 405)];
        for (method, target, status) in whole.chain(refused) {
            let url = format!("{}{target}", stack.local.url());
            let response = stack.client.request(method.parse().unwrap(), url).send().await.unwrap();
            assert_eq!(response.status(), status, "{target}");
            let lines: Vec<_> = response.headers().get_all("cache-control").iter().collect();
            assert_eq!(lines, ["no-store"], "{target}");
        }
    }
}
