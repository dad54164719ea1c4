//! An app with the scripted handler behind its host.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
pub use stand_ins::eventually;
use stand_ins::functions_host::{FunctionKey, Host, HostKeys, HostOptions};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The limit of every wait.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A running app.
pub struct App {
    pub host: Host,
    pub folder: TempDir,
    pub client: Client,
}

/// An app that has not been started.
pub struct Plan {
    pub options: HostOptions,
    host_json: Value,
    folder: TempDir,
}

/// A response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

/// An invocation as the handler received it.
pub struct Invocation {
    pub echo: Value,
    pub payload: Value,
}

impl Plan {
    /// An app without functions.
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let keys = HostKeys {
            master: "master-key".to_owned(),
            host: vec![("default".to_owned(), "host-key".to_owned())],
            functions: vec![FunctionKey {
                function: "Guarded".to_owned(),
                name: "own".to_owned(),
                value: "function-key".to_owned(),
            }],
        };
        let host_json = json!({
            "customHandler": { "description": { "defaultExecutablePath": example("scripted_handler") } },
            "extensions": { "http": {} }
        });
        let options = HostOptions { keys, ..HostOptions::new(folder.path().to_owned()) };
        Self { options, host_json, folder }
    }

    /// Adds an anonymous function for all methods.
    pub fn function(self, name: &str, route: &str) -> Self {
        self.binding(name, json!({ "authLevel": "anonymous", "route": route }))
    }

    /// Adds a function with these members in its trigger.
    pub fn binding(self, name: &str, members: Value) -> Self {
        let mut trigger = json!({ "type": "httpTrigger", "direction": "in", "name": "req" });
        trigger.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let output = json!({ "type": "http", "direction": "out", "name": "res" });
        self.bindings(name, &json!([trigger, output]))
    }

    /// Adds a timer function.
    pub fn timer(self, name: &str, schedule: &str) -> Self {
        let members = json!({ "name": "timer", "schedule": schedule });
        self.timer_binding(name, members)
    }

    /// Adds a function with these members in its timer trigger.
    pub fn timer_binding(self, name: &str, members: Value) -> Self {
        let mut trigger = json!({ "type": "timerTrigger", "direction": "in" });
        trigger.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.bindings(name, &json!([trigger]))
    }

    /// Adds a function with these bindings.
    pub fn bindings(self, name: &str, bindings: &Value) -> Self {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        let function = json!({ "bindings": bindings });
        fs::write(folder.join("function.json"), function.to_string()).unwrap();
        self
    }

    /// Sets a member of `host.json`, given by a pointer to its parent and its name.
    pub fn host_json(mut self, parent: &str, name: &str, value: Value) -> Self {
        self.host_json.pointer_mut(parent).unwrap()[name] = value;
        self
    }

    /// Selects the handler's start-up.
    pub fn at_start(self, what: &str) -> Self {
        self.host_json("/customHandler/description", "arguments", json!([what]))
    }

    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.options.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub async fn start(self) -> App {
        let options = self.options.clone();
        let folder = self.laid_out();
        let host = Host::start(options).await.unwrap();
        App { host, folder, client: stand_ins::http_client() }
    }

    /// The error of starting the host.
    pub async fn refused(self) -> String {
        let options = self.options.clone();
        let _folder = self.laid_out();
        Host::start(options).await.unwrap_err().to_string()
    }

    /// Creates the app's folder without starting a host.
    pub fn laid_out(self) -> TempDir {
        fs::write(self.folder.path().join("host.json"), self.host_json.to_string()).unwrap();
        self.folder
    }
}

impl App {
    /// An app with an anonymous function at `/api/echo`.
    pub async fn echo() -> Self {
        Plan::new().function("Echo", "echo").start().await
    }

    pub fn request(&self, method: &str, target: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}{target}", self.host.url()))
    }

    pub fn get(&self, target: &str) -> RequestBuilder {
        self.request("GET", target)
    }

    /// The whole response to this literal request; HTTP clients would correct it.
    pub async fn raw(&self, request: &[u8]) -> Vec<u8> {
        let address = self.host.url().trim_start_matches("http://");
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(request).await.unwrap();
        let mut response = Vec::new();
        let reading = connection.read_to_end(&mut response);
        tokio::time::timeout(PATIENCE, reading).await.expect("the connection ends").unwrap();
        response
    }

    /// Waits until no connection is accepted.
    pub async fn is_gone(&self) {
        let address = self.host.url().trim_start_matches("http://");
        eventually("the host has ended", async || std::net::TcpStream::connect(address).is_err())
            .await;
    }

    /// A call of `/api/echo` with a script for the handler.
    pub fn scripted(&self, script: &Value) -> RequestBuilder {
        self.get("/api/echo").header("x-script", ascii(script))
    }

    /// The host's response to an envelope.
    pub async fn enveloped(&self, envelope: &Value) -> Response {
        let response = json!({ "body": envelope.to_string() });
        sent(self.scripted(&json!({ "response": response }))).await
    }

    /// The host's response to an output.
    pub async fn output(&self, res: Value) -> Response {
        self.enveloped(&json!({ "Outputs": { "res": res } })).await
    }

    /// The lines of a file that the handler has written.
    pub fn noted(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join(file)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Creates a file that the handler waits for.
    pub fn release(&self, file: &str) {
        fs::write(self.folder.path().join(file), "").unwrap();
    }

    /// Waits until the handler has written this many lines.
    pub async fn noted_lines(&self, file: &str, count: usize) {
        eventually(&format!("{file} has {count} lines"), async || self.noted(file).len() >= count)
            .await;
    }
}

/// A body without a length.
pub fn chunked(text: &'static str) -> reqwest::Body {
    let frame = Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from_static(text.as_bytes())));
    reqwest::Body::wrap(StreamBody::new(stream::iter([frame])))
}

/// Sends a request and reads the whole response.
pub async fn sent(request: RequestBuilder) -> Response {
    let response = request.timeout(PATIENCE).send().await.expect("the host responds");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Response { status, headers, body: response.text().await.expect("the response is complete") }
}

/// Sends a request and reads the invocation that the handler got.
pub async fn invocation(request: RequestBuilder) -> Invocation {
    let response = sent(request).await;
    assert_eq!(response.status, 200, "{response:#?}");
    let echo: Value = serde_json::from_str(&response.body).unwrap();
    let payload = serde_json::from_str(echo["payload"].as_str().unwrap()).unwrap_or_default();
    Invocation { echo, payload }
}

impl Invocation {
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.echo["headers"].as_array().unwrap();
        headers.iter().find(|header| header[0] == name)?[1].as_str()
    }

    pub fn request(&self) -> &Value {
        &self.payload["Data"]["req"]
    }

    pub fn metadata(&self) -> &Value {
        &self.payload["Metadata"]
    }
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Status, content type and body.
    pub fn parts(&self) -> (u16, Option<&str>, &str) {
        (self.status, self.header("content-type"), &self.body)
    }

    /// Asserts a 500 that does not disclose its cause.
    pub fn assert_is_empty_500(&self, case: &dyn std::fmt::Display) {
        assert_eq!(self.parts(), (500, None, ""), "{case}");
    }
}

fn ascii(script: &Value) -> String {
    let escaped = |c: char| {
        let mut units = [0; 2];
        c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>()
    };
    let text = script.to_string();
    text.chars().map(|c| if c.is_ascii() { c.to_string() } else { escaped(c) }).collect()
}

/// The path of an example, which Cargo builds with the tests.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let executable = folder.join("examples").join(name);
    // With `--test`, Cargo builds no examples.
    assert!(executable.is_file(), "please run: cargo build -p stand-ins --examples");
    executable
}
