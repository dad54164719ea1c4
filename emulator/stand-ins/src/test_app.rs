//! A packaged app behind a Functions host of its own, for the tests of one app.

use std::convert::Infallible;
use std::path::Path;

use bytes::Bytes;
use http_body_util::StreamBody;
use hyper::body::Frame;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;

use crate::functions_host::{Host, HostKeys, HostOptions};
use crate::package;

/// The name and value of the tests' function key.
const KEY: (&str, &str) = ("tests", "the-key-of-the-tests");

/// The executable of an app, run by a Functions host of its own.
pub struct TestApp {
    /// The host in front of the app.
    pub host: Host,
    client: reqwest::Client,
    _folder: TempDir,
}

/// A request that has not been sent yet.
#[must_use = "a call does nothing until it is sent"]
pub struct Call(RequestBuilder);

/// The response to a call.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The body as JSON; null if there is none.
    pub body: Value,
    /// The body as text.
    pub text: String,
    headers: reqwest::header::HeaderMap,
}

impl TestApp {
    /// Packages the app in `crate_folder` with the `executable` that Cargo built, and starts it
    /// with these settings.
    ///
    /// # Panics
    /// If the host cannot be started.
    pub async fn start(
        crate_folder: &str,
        executable: &str,
        settings: Vec<(String, String)>,
    ) -> Self {
        let folder = TempDir::new().expect("there is room for a temporary folder");
        let crate_folder = Path::new(crate_folder);
        let template = crate_folder.join("../host.json.template");
        package::assemble(crate_folder, &template, Path::new(executable), folder.path())
            .expect("an app can be packaged");
        let keys =
            HostKeys { host: vec![(KEY.0.to_owned(), KEY.1.to_owned())], ..HostKeys::default() };
        let options = HostOptions {
            environment: settings,
            keys,
            ..HostOptions::new(folder.path().to_owned())
        };
        let host = Host::start(options).await.expect("the host starts");
        Self { host, client: crate::http_client(), _folder: folder }
    }

    /// A request to `path` below `/api/`, with a valid key.
    pub fn call(&self, method: &str, path: &str) -> Call {
        let method = Method::from_bytes(method.as_bytes()).expect("tests name real methods");
        let url = format!("{}/api/{path}", self.host.url());
        Call(self.client.request(method, url).header("x-functions-key", KEY.1))
    }
}

impl Call {
    /// Adds a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// Sets a JSON body without `Content-Type`, as clients of the scaffold do.
    pub fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string())
    }

    /// Sets a body.
    pub fn bytes(self, body: impl Into<Vec<u8>>) -> Self {
        Self(self.0.body(body.into()))
    }

    /// Sets a body of unknown length, which is sent in chunks.
    pub fn in_chunks(self, body: &str) -> Self {
        let chunk = Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(body.as_bytes())));
        let body = StreamBody::new(futures_util::stream::iter([chunk]));
        Self(self.0.body(reqwest::Body::wrap(body)))
    }

    /// Sends the request.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn send(self) -> Response {
        let response = self.0.send().await.expect("the host responds");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("the response is complete");
        let body = serde_json::from_str(&text).unwrap_or_default();
        Response { status, body, text, headers }
    }

    /// Sends the request and asserts its status.
    ///
    /// # Panics
    /// If the status differs; the message contains the whole response.
    pub async fn expect(self, status: u16) -> Response {
        let response = self.send().await;
        assert_eq!(response.status, status, "{response:#?}");
        response
    }
}

impl Response {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The query that `Link` gives for the next page, if there is one.
    ///
    /// # Panics
    /// If the header has another form.
    pub fn next_page(&self) -> Option<String> {
        let link = self.header("Link")?;
        let target = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
        Some(target.expect("Link has the next page").to_owned())
    }

    /// The kind of the problem in the body.
    ///
    /// # Panics
    /// If the body is not a problem as the contract describes it.
    pub fn problem(&self) -> &str {
        assert_eq!(
            self.header("Content-Type"),
            Some("application/problem+json; charset=utf-8"),
            "{self:#?}"
        );
        assert_eq!(self.body["status"], self.status, "{self:#?}");
        assert!(self.body["title"].is_string() && self.body["detail"].is_string(), "{self:#?}");
        assert_eq!(self.body["traceId"].as_str().map(str::len), Some(32), "{self:#?}");
        let kind = self.body["type"].as_str().unwrap_or_default();
        kind.strip_prefix("urn:problem:patient-records:").expect("the type names one of our kinds")
    }

    /// The field errors of the problem, as pointer and detail.
    pub fn wrong_fields(&self) -> Vec<(&str, &str)> {
        self.body["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|error| Some((error["pointer"].as_str()?, error["detail"].as_str()?)))
            .collect()
    }
}
