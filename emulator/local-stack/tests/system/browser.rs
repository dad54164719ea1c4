//! Headless Chromium, driven over its debugging pipe (Chrome `DevTools` Protocol).

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A machine under load starts Chromium in several seconds.
const LIMIT: Duration = Duration::from_secs(60);

/// Where `scripts/setup-browser` puts a Chromium if there is no browser.
const FETCHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/bin/chromium");

/// Chromium reads commands from descriptor 3 and writes responses to 4.
const START: &str = r#"
fetched=$1
shift
for browser in chromium chromium-browser google-chrome \
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" "$fetched"; do
  if command -v "$browser" >/dev/null; then
    exec "$browser" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1
  fi
done
exit 127
"#;

/// A page in a browser of its own, which is closed when dropped.
pub struct Page {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    session: Value,
    last_id: u64,
    _browser: Child,
    _profile: TempDir,
}

impl Page {
    /// Opens a page with this width and colour scheme.
    pub async fn open(url: &str, width: u32, scheme: &str) -> Self {
        let profile = TempDir::new().unwrap();
        let mut browser = Command::new("sh")
            .args(["-c", START, "sh", FETCHED])
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut page = Self {
            input: browser.stdin.take().unwrap(),
            output: BufReader::new(browser.stdout.take().unwrap()),
            session: Value::Null,
            last_id: 0,
            _browser: browser,
            _profile: profile,
        };
        let target = page.call("Target.createTarget", json!({ "url": "about:blank" })).await;
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        page.session = page.call("Target.attachToTarget", target).await["sessionId"].clone();
        let size =
            json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500 });
        page.call("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        page.call("Emulation.setEmulatedMedia", scheme).await;
        page.call("Page.enable", json!({})).await;
        page.call("Page.navigate", json!({ "url": url })).await;
        page.until("document.readyState === 'complete' && location.href !== 'about:blank'").await;
        page
    }

    /// Evaluates an expression on the page; awaits promises.
    pub async fn value(&mut self, expression: &str) -> Value {
        let expression =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let response = self.call("Runtime.evaluate", expression).await;
        assert!(response.get("exceptionDetails").is_none(), "{response}");
        response["result"]["value"].clone()
    }

    /// Waits until an expression is true on the page.
    pub async fn until(&mut self, expression: &str) {
        let holds = async {
            while self.value(expression).await != true {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let held = tokio::time::timeout(LIMIT, holds).await;
        assert!(held.is_ok(), "{expression} on {}", self.value("document.body.innerText").await);
    }

    async fn call(&mut self, method: &str, parameters: Value) -> Value {
        let response = tokio::time::timeout(LIMIT, self.exchange(method, parameters)).await;
        response.expect("Chromium responds in time")
    }

    async fn exchange(&mut self, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id, "method": method, "params": parameters });
        if !self.session.is_null() {
            command["sessionId"] = self.session.clone();
        }
        let missing = "Chromium runs; scripts/setup-browser fetches it";
        self.input.write_all(format!("{command}\0").as_bytes()).await.expect(missing);
        loop {
            let mut response = Vec::new();
            self.output.read_until(0, &mut response).await.unwrap();
            assert_eq!(response.pop(), Some(0), "{missing}");
            let response: Value = serde_json::from_slice(&response).unwrap();
            if response["id"] == self.last_id {
                assert!(response.get("error").is_none(), "{method}: {response}");
                return response["result"].clone();
            }
        }
    }
}
