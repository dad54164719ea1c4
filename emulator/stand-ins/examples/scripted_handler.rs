//! A scriptable custom handler, for the tests of the Functions host.
//!
//! Its first argument selects the start-up: `silent`, `garbage`, `exit` or `when:FILE`. The header
//! `x-script` in a payload scripts an invocation; without one, the response contains the
//! invocation. A timer function is scripted by its name: `Slow` waits for the file `slow`,
//! `Refused` gets a 500, others log a line. In its working directory it writes `starts` (one line
//! per process, with its port), `environment`, `requests` and `methods` (one line per invocation),
//! `payloads` (one line per timer invocation), `finished` (one line per response) and `terminated`
//! (after SIGTERM).

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

/// The script of one invocation, executed in this order.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Script {
    print: Option<String>,
    complain: Option<String>,
    /// A file to wait for.
    wait_for: Option<String>,
    exit: Option<i32>,
    response: Option<Canned>,
}

/// A canned response.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Canned {
    status: Option<u16>,
    content_type: Option<String>,
    location: Option<String>,
    body: String,
    /// Ends the response early, after the body.
    cut_short: bool,
}

type AnyBody = Pin<Box<dyn Body<Data = Bytes, Error = std::io::Error> + Send>>;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "it shows what it was started with")]
    let environment: HashMap<_, _> = std::env::vars().collect();
    let port = environment["FUNCTIONS_CUSTOMHANDLER_PORT"].as_str();
    note("environment", &json!(environment).to_string());
    note("starts", port);
    tokio::spawn(note_termination());
    let start = std::env::args().nth(1).unwrap_or_default();
    if let Some(file) = start.strip_prefix("when:") {
        appears(file).await;
    }
    if start == "exit" {
        return Ok(());
    }
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    if start == "garbage" {
        let (mut probe, _) = listener.accept().await?;
        probe.write_all(b"this is no HTTP\r\n\r\n").await?;
    }
    loop {
        let (connection, _) = listener.accept().await?;
        tokio::spawn(serve(connection, start == "silent"));
    }
}

async fn note_termination() {
    let mut terminations = signal(SignalKind::terminate()).expect("signals can be listened to");
    terminations.recv().await;
    note("terminated", "SIGTERM");
}

async fn serve(connection: TcpStream, is_silent: bool) {
    if is_silent {
        std::future::pending::<()>().await;
    }
    let _ =
        http1::Builder::new().serve_connection(TokioIo::new(connection), service_fn(respond)).await;
}

async fn respond(request: Request<Incoming>) -> Result<Response<AnyBody>, Infallible> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    if path == "/" {
        // The readiness probe accepts any response.
        return Ok(response(Canned { status: Some(404), ..Canned::default() }));
    }
    note("requests", &format!("{} {path}", parts.method));
    let payload = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let invocation: Value = serde_json::from_slice(&payload).unwrap_or_default();
    let trigger = invocation["Data"].as_object().and_then(|data| data.values().next());
    note("methods", trigger.and_then(|it| it["Method"].as_str()).unwrap_or_default());
    let is_timer = trigger.is_some_and(|it| it.get("IsPastDue").is_some());
    let script = match trigger.filter(|_| !path.starts_with("/elsewhere")) {
        Some(_) if is_timer => {
            note("payloads", &invocation.to_string());
            Some(timer_script(&path))
        }
        Some(trigger) => script(trigger),
        None => None,
    };
    let script = script.unwrap_or_default();
    if let Some(line) = script.print {
        println!("{line}");
    }
    if let Some(line) = script.complain {
        eprintln!("{line}");
    }
    if let Some(file) = script.wait_for {
        appears(&file).await;
    }
    if let Some(code) = script.exit {
        std::process::exit(code);
    }
    note("finished", &path);
    Ok(response(script.response.unwrap_or_else(|| match path.as_str() {
        "/target" => redirected(&parts.uri.to_string()),
        _ => echo(&parts.method, &path, &parts.headers, &payload),
    })))
}

/// The script in a payload's one trigger, if there is one.
fn script(trigger: &Value) -> Option<Script> {
    let script = trigger["Headers"]["x-script"][0].as_str()?;
    Some(serde_json::from_str(script).expect("tests write good scripts"))
}

/// The script of a timer function.
fn timer_script(path: &str) -> Script {
    let canned = |status, body: Value| {
        Some(Canned { status: Some(status), body: body.to_string(), ..Canned::default() })
    };
    match path {
        "/Slow" => Script {
            wait_for: Some("slow".to_owned()),
            response: canned(200, json!({})),
            ..Script::default()
        },
        "/Refused" => Script { response: canned(500, json!({})), ..Script::default() },
        _ => Script { response: canned(200, json!({ "Logs": ["ticked"] })), ..Script::default() },
    }
}

/// The response of the recorded handler at the target of its redirects.
fn redirected(target: &str) -> Canned {
    let res = json!({ "body": format!("redirected {target}") });
    Canned { body: json!({ "Outputs": { "res": res } }).to_string(), ..Canned::default() }
}

/// An envelope with the invocation as its body.
fn echo(method: &Method, path: &str, headers: &HeaderMap, payload: &[u8]) -> Canned {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let invocation = json!({
        "method": method.as_str(),
        "path": path,
        "headers": headers,
        "payload": String::from_utf8_lossy(payload),
    });
    let res = json!({ "statusCode": 200, "body": invocation.to_string() });
    Canned { body: json!({ "Outputs": { "res": res } }).to_string(), ..Canned::default() }
}

fn response(canned: Canned) -> Response<AnyBody> {
    let media_type = canned.content_type.as_deref().unwrap_or("application/json");
    let mut response = Response::builder().status(canned.status.unwrap_or(200));
    if !media_type.is_empty() {
        response = response.header(CONTENT_TYPE, media_type);
    }
    if let Some(location) = canned.location {
        response = response.header(LOCATION, location);
    }
    let body = Bytes::from(canned.body);
    let body: AnyBody = if canned.cut_short {
        let frames = [Ok(Frame::data(body)), Err(std::io::ErrorKind::BrokenPipe.into())];
        Box::pin(StreamBody::new(futures_util::stream::iter(frames)))
    } else {
        Box::pin(Full::new(body).map_err(|never| match never {}))
    };
    response.body(body).expect("tests write valid responses")
}

/// Waits until a file exists.
async fn appears(file: &str) {
    while !Path::new(file).exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Adds a line to a file in the working directory.
fn note(file: &str, line: &str) {
    let mut file =
        OpenOptions::new().create(true).append(true).open(file).expect("the folder is writable");
    file.write_all(format!("{line}\n").as_bytes()).expect("the file is writable");
}
